-- An export.
select * from exports where export_id = %(export_id)s
