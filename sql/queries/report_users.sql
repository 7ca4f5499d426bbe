-- Distinct users by point of time and, where point is null, in all of [since, until): from the whole hours
-- [first_hour, last_hour), and from events at both ends.
select point, count(distinct user_id)
from (
    select width_bucket(bucket, %(starts)s::timestamptz[]) as point, user_id
    from users_by_hour
    where project_id = %(project_id)s and bucket >= %(first_hour)s and bucket < %(last_hour)s
    union all
    select width_bucket(ts, %(starts)s::timestamptz[]), coalesce(user_id, anonymous_id)
    from events
    where project_id = %(project_id)s and ts >= %(since)s and ts < %(first_hour)s
    union all
    select width_bucket(ts, %(starts)s::timestamptz[]), coalesce(user_id, anonymous_id)
    from events
    where project_id = %(project_id)s and ts >= %(last_hour)s and ts < %(until)s
) as seen
group by grouping sets ((point), ())
