-- Distinct users per step of an hour at least; each step counts them anew, since distinct counts do not add up.
select "time", count(*) as users
from (
    select distinct $__timeGroupAlias(bucket, $__interval, 0), user_id
    from (
        select * from users_by_hour where $__interval_ms < 86400000
        union all
        select * from users_by_day where $__interval_ms >= 86400000
    ) as active
    where project_id = ${project:sqlstring}
      and bucket >= time_bucket($__interval_ms * interval '1 millisecond', timestamptz $__timeFrom())
      and bucket < $__timeTo()
) as seen
group by "time"
order by "time"
