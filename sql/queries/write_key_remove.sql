-- Take a write key away from a project.
delete from write_keys where project_id = %(project_id)s and write_key = %(write_key)s
