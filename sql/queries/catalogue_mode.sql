-- What becomes of a project's events that do not fit their schema.
select catalogue_mode from projects where project_id = %(project_id)s
