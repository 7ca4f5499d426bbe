-- Note how far an import came, in the transaction that stores its events.
update imports
set bytes_read    = %(bytes_read)s,
    lines_read    = %(lines_read)s,
    rejects_bytes = %(rejects_bytes)s,
    rows_read     = rows_read + %(rows)s,
    stored        = stored + %(stored)s,
    duplicates    = duplicates + %(duplicates)s,
    rejected      = rejected + %(rejected)s,
    attempts      = 0
where import_id = %(import_id)s
returning *
