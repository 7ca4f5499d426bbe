-- Events by point of time, and by type when asked for, from the minutes, hours or days in [since, until), or from events.
select width_bucket(bucket, %(starts)s::timestamptz[]) as point,
       case when %(grouped)s then event_type end as event_type,
       sum(events)::bigint
from (
    select project_id, bucket, event_type, events from events_by_day where %(unit)s::text = 'day'
    union all
    select project_id, bucket, event_type, events from events_by_hour where %(unit)s::text = 'hour'
    union all
    select project_id, bucket, event_type, events from events_by_minute where %(unit)s::text = 'minute'
    union all
    select project_id, ts, event_type, 1 from events where %(unit)s::text = 'raw'
) as counted
where project_id = %(project_id)s and bucket >= %(since)s and bucket < %(until)s
  and (%(event_types)s::text[] is null or event_type = any (%(event_types)s))
group by 1, 2
limit %(limit)s
