-- A day could not be archived, since what is archived of it is damaged.
update archived_days set state = 'damaged', error = %(error)s, tried_at = %(now)s
where day = %(day)s and project_id = %(project_id)s
