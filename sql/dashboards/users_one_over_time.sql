-- Events of one user per step of an hour at least.
select $__timeGroupAlias(bucket, $__interval, 0), sum(events)::bigint as events
from (
    select * from users_by_hour where $__interval_ms < 86400000
    union all
    select * from users_by_day where $__interval_ms >= 86400000
) as seen
where project_id = ${project:sqlstring}
  and user_id = ${user:sqlstring}
  and bucket >= time_bucket($__interval_ms * interval '1 millisecond', timestamptz $__timeFrom())
  and bucket < $__timeTo()
group by 1
order by 1
