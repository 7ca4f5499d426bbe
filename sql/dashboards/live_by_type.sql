-- Events by type over the time range, from the counts per minute.
select $__timeGroup(bucket, '$__interval', 0) as "time", event_type as metric, sum(events)::bigint as events
from events_by_minute
where project_id = ${project:sqlstring}
  and bucket >= time_bucket('$__interval', $__timeFrom()::timestamptz)
  and bucket <= $__timeTo()
group by 1, 2
order by 1, 2
