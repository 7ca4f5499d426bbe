-- Groups of a project by (type, key), as they were described last.
select group_type, group_key, first_seen_at, last_seen_at, traits
from groups
join unnest(%(types)s::text[], %(keys)s::text[]) as named (group_type, group_key) using (group_type, group_key)
where project_id = %(project_id)s
order by group_type, group_key
