-- Let the write keys of a project end at a time, domains excepted; how many there were.
with ended as (
    update write_keys set expires_at = %(at)s
    where project_id = %(project_id)s
      and expires_at is null
      and starts_with(write_key, %(prefix)s)
    returning 1
)
select count(*) from ended
