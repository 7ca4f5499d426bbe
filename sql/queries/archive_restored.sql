-- A day was restored. Unless it proves to have just what is archived, it has late events too.
update archived_days
set dropped_at = null, state = case state when 'verified' then 'stale' else state end
where day = %(day)s and project_id = %(project_id)s
