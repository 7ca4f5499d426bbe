-- The last of so many users behind a place, the last seen first; no row when there are fewer.
select last_seen_at, user_id
from users
where project_id = %(project_id)s
  and (%(behind_at)s::timestamptz is null or (last_seen_at, user_id) < (%(behind_at)s, %(behind_id)s))
order by last_seen_at desc, user_id desc
offset %(rows)s
limit 1
