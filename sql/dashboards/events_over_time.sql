-- Events per step and type. A step is made of minutes, hours or days, whatever it is a multiple of; the first is whole.
select $__timeGroupAlias(bucket, $__interval, 0), event_type as metric, sum(events)::bigint as events
from (
    select * from events_by_minute where $__interval_ms < 3600000
    union all
    select * from events_by_hour where $__interval_ms >= 3600000 and $__interval_ms < 86400000
    union all
    select * from events_by_day where $__interval_ms >= 86400000
) as counted
where project_id = ${project:sqlstring}
  and event_type = any(array[${type:sqlstring}]::text[])
  and bucket >= time_bucket($__interval_ms * interval '1 millisecond', timestamptz $__timeFrom())
  and bucket < $__timeTo()
group by 1, 2
order by 1, 2
