-- End an import; error says why when it failed.
update imports
set status = case when %(error)s::text is null then 'done' else 'failed' end, error = %(error)s, finished_at = %(now)s
where import_id = %(import_id)s
