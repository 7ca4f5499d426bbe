-- Users by the step in which they were first seen.
select $__timeGroupAlias(first_seen_at, $__interval, 0), count(*) as users
from users
where project_id = ${project:sqlstring}
  and first_seen_at >= time_bucket($__interval_ms * interval '1 millisecond', timestamptz $__timeFrom())
  and first_seen_at <= $__timeTo()
group by 1
order by 1
