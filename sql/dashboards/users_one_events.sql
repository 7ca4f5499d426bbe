-- The last events of one user in the time range. Events have no index by user, so only the hours in which the user has
-- any are read, the newest first, until there are enough. The last hour may reach beyond the range and does not count
-- for that. The limit of each hour keeps the planner from reading the whole range and joining the hours then.
select ts as "time", event_type as "type", coalesce(session_id, '') as "session", coalesce(page_url, '') as "page",
       left(properties::text, 4000) as "properties"
from (
    select bucket,
           sum(events) filter (where bucket <= timestamptz $__timeTo() - interval '1 hour') over (
               order by bucket desc rows between unbounded preceding and 1 preceding) as newer
    from users_by_hour
    where project_id = ${project:sqlstring}
      and user_id = ${user:sqlstring}
      and bucket >= time_bucket('1 hour', timestamptz $__timeFrom())
      and bucket <= $__timeTo()
) as hours
join lateral (
    select *
    from events
    where project_id = ${project:sqlstring}
      and $__timeFilter(ts)
      and ts >= hours.bucket
      and ts < hours.bucket + interval '1 hour'
      and coalesce(user_id, anonymous_id) = ${user:sqlstring}
    order by ts desc
    limit 200
) as their on coalesce(newer, 0) < 200
order by ts desc
limit 200
