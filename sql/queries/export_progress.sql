-- How far an attempt is; no row when it is no longer wanted: cancelled, forgotten, or not the last one.
update exports
set rows_written = %(rows_written)s, rows_expected = %(rows_expected)s, heartbeat_at = %(now)s
where export_id = %(export_id)s and attempts = %(attempt)s and state = 'running'
returning export_id
