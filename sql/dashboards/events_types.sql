-- The types of events of a project in the time range, the commonest first: a list to choose from.
select event_type
from events_by_hour
where project_id = ${project:sqlstring}
  and bucket >= time_bucket('1 hour', timestamptz $__timeFrom())
  and bucket < $__timeTo()
group by event_type
order by sum(events) desc, event_type
limit 500
