-- The file of an expired export was deleted.
update exports set file_name = null where export_id = %(export_id)s and state = 'expired'
