-- Begin an attempt at an export, whose lock is held; none when it has ended or is to wait.
update exports
set state = 'running', attempts = attempts + 1, started_at = %(now)s, heartbeat_at = %(now)s, rows_written = 0
where export_id = %(export_id)s and state in ('waiting', 'running') and not_before <= %(now)s
returning *
