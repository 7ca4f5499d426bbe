-- Distinct users in the hours of the time range, in more than 93 days in its days.
select count(*) as users
from (
    select distinct user_id
    from (
        select * from users_by_hour where $__unixEpochTo() - $__unixEpochFrom() <= 93 * 86400
        union all
        select * from users_by_day where $__unixEpochTo() - $__unixEpochFrom() > 93 * 86400
    ) as active
    where project_id = ${project:sqlstring}
      and bucket >= time_bucket('1 hour', timestamptz $__timeFrom())
      and bucket < $__timeTo()
) as seen
