-- A day was read back: well when there is no error. A day that is not known here is left out.
update archived_days
set state = case when %(error)s::text is not null then 'damaged' when state = 'damaged' then 'stale' else state end,
    verified_at = case when %(error)s::text is null then %(now)s else verified_at end,
    error = %(error)s, tried_at = case when %(error)s::text is not null then null else tried_at end
where day = %(day)s and project_id = %(project_id)s
