-- Take up an import, whose lock the caller has; no row when it was ended meanwhile.
update imports
set status = 'running', attempts = attempts + 1, worked_at = %(now)s, started_at = coalesce(started_at, %(now)s)
where import_id = %(import_id)s and status in ('waiting', 'running')
returning *
