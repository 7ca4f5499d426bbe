-- Users first seen in the time range.
select count(*) as users
from users
where project_id = ${project:sqlstring}
  and $__timeFilter(first_seen_at)
