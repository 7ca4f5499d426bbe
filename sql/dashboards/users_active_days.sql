-- Distinct users per UTC day, or longer step. From the hours in ranges up to 93 days: where users_by_day is a view on
-- them, it has no index on its days.
select "time", count(*) as users
from (
    select distinct $__timeGroupAlias(bucket, $__interval, 0), user_id
    from (
        select * from users_by_hour where $__unixEpochTo() - $__unixEpochFrom() <= 93 * 86400
        union all
        select * from users_by_day where $__unixEpochTo() - $__unixEpochFrom() > 93 * 86400
    ) as active
    where project_id = ${project:sqlstring}
      and bucket >= time_bucket($__interval_ms * interval '1 millisecond', timestamptz $__timeFrom())
      and bucket < $__timeTo()
) as seen
group by "time"
order by "time"
