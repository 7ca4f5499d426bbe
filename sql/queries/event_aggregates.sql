-- Events by type of the minutes, hours or days in [since, until), the newest first, from a place on.
select bucket, event_type, events
from (
    select project_id, bucket, event_type, events from events_by_minute where %(unit)s::text = 'minute'
    union all
    select project_id, bucket, event_type, events from events_by_hour where %(unit)s::text = 'hour'
    union all
    select project_id, bucket, event_type, events from events_by_day where %(unit)s::text = 'day'
) as counted
where project_id = %(project_id)s and bucket >= %(since)s and bucket < %(until)s
  and (%(event_types)s::text[] is null or event_type = any (%(event_types)s))
  and (%(behind_at)s::timestamptz is null
       or bucket <= %(behind_at)s and (bucket, event_type) < (%(behind_at)s, %(behind_type)s::text))
order by bucket desc, event_type desc
limit %(limit)s
