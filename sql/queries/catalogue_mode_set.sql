-- Say what becomes of a project's events that do not fit their schema.
update projects set catalogue_mode = %(mode)s, catalogue_version = catalogue_version + 1
where project_id = %(project_id)s
