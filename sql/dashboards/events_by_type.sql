-- Events of the time range by type: its minutes, in more than two days its hours, in more than 62 days its days.
select event_type, sum(events)::bigint as events
from (
    select * from events_by_minute where $__unixEpochTo() - $__unixEpochFrom() <= 2 * 86400
    union all
    select * from events_by_hour where $__unixEpochTo() - $__unixEpochFrom() between 2 * 86400 + 1 and 62 * 86400
    union all
    select * from events_by_day where $__unixEpochTo() - $__unixEpochFrom() > 62 * 86400
) as counted
where project_id = ${project:sqlstring}
  and event_type = any(array[${type:sqlstring}]::text[])
  and bucket >= $__timeFrom()
  and bucket < $__timeTo()
group by event_type
order by events desc, event_type
limit 50
