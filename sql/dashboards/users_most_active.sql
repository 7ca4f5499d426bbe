-- The users with the most events in the hours of the time range, in more than 93 days in its days.
select user_id as "user", sum(events)::bigint as events, count(distinct time_bucket('1 day', bucket)) as "active days"
from (
    select * from users_by_hour where $__unixEpochTo() - $__unixEpochFrom() <= 93 * 86400
    union all
    select * from users_by_day where $__unixEpochTo() - $__unixEpochFrom() > 93 * 86400
) as seen
where project_id = ${project:sqlstring}
  and bucket >= time_bucket('1 hour', timestamptz $__timeFrom())
  and bucket < $__timeTo()
group by user_id
order by events desc, user_id
limit 50
