-- Events per second in whole steps of 5 seconds over the last 15 minutes, steps without events too. Reads raw events by
-- the time index, which a window of minutes allows; so it is 15 minutes whatever the time range.
select step.at as "time", coalesce(counted.events, 0) / 5.0 as "events per second"
from generate_series(
         time_bucket('5 seconds', $__timeTo()::timestamptz - interval '15 minutes') + interval '5 seconds',
         time_bucket('5 seconds', $__timeTo()::timestamptz) - interval '5 seconds',
         interval '5 seconds') as step (at)
left join (
    select time_bucket('5 seconds', ts) as at, count(*) as events
    from events
    where project_id = ${project:sqlstring}
      and ts > $__timeTo()::timestamptz - interval '15 minutes'
      and ts <= $__timeTo()
    group by 1
) as counted using (at)
order by 1
