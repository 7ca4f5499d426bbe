-- The file of an attempt is whole and in the file store; no row when the attempt is no longer wanted.
update exports
set state = 'done', ended_at = %(now)s, expires_at = %(expires_at)s, rows_written = %(rows_written)s,
    rows_expected = %(rows_written)s, bytes = %(bytes)s, file_name = %(file_name)s, error = null
where export_id = %(export_id)s and attempts = %(attempt)s and state = 'running'
returning *
