-- Let the workers have an import.
update imports set status = 'waiting', file_bytes = %(file_bytes)s, rejects_bytes = %(rejects_bytes)s
where import_id = %(import_id)s
