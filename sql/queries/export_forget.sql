-- Forget an export that has ended; which file it had.
delete from exports where export_id = %(export_id)s and state not in ('waiting', 'running')
returning file_name
