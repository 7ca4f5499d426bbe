-- The hours in [since, until) in which a project has events of some types, the newest first.
select distinct bucket
from events_by_hour
where project_id = %(project_id)s and bucket >= %(since)s and bucket < %(until)s
  and event_type = any (%(names)s::text[])
order by bucket desc
limit %(limit)s
