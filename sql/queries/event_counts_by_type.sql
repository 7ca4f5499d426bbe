-- Events in whole UTC days by type.
select event_type, sum(events)::bigint
from events_by_day
where project_id = %(project_id)s and bucket >= %(start)s and bucket < %(stop)s
group by event_type
order by event_type
