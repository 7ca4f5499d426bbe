-- Take an import out of the table.
delete from imports where import_id = %(import_id)s
