-- Count a change of a project's catalogue, and keep others from changing it until this transaction ends.
update projects set catalogue_version = catalogue_version + 1 where project_id = %(project_id)s
