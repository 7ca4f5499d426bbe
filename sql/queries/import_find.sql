-- An import whose file was received.
select * from imports where import_id = %(import_id)s and status <> 'receiving'
