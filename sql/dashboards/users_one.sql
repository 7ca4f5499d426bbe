-- When one user was first and last seen; nothing for an anonymous id.
select first_seen_at as "first seen", last_seen_at as "last seen"
from users
where project_id = ${project:sqlstring} and user_id = ${user:sqlstring}
