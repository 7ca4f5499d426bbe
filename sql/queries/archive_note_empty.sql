-- A day has no events any more and was never archived.
update archived_days set state = 'empty', counted = %(counted)s, tried_at = %(now)s
where day = %(day)s and project_id = %(project_id)s
