-- The projects of which a day was archived.
select project_id from archived_days where day = %(day)s and generation > 0
