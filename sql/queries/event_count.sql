-- Events in whole UTC days, of one type or of all.
select coalesce(sum(events), 0)::bigint
from events_by_day
where project_id = %(project_id)s and bucket >= %(start)s and bucket < %(stop)s
  and (%(event_type)s::text is null or event_type = %(event_type)s)
