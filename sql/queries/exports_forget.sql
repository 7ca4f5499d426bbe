-- Forget exports that ended long ago and have no file.
delete from exports
where state not in ('waiting', 'running') and file_name is null and ended_at < %(ended_before)s
