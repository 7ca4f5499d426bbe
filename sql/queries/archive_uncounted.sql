-- Whether the aggregates count fewer events of a day than there are, and whether more, of some project.
select coalesce(bool_or(coalesce(counted.events, 0) < coalesce(stored.events, 0)), false),
       coalesce(bool_or(coalesce(counted.events, 0) > coalesce(stored.events, 0)), false)
from events_of_days(%(since)s, %(until)s) as stored
full join (
    select project_id, sum(events) as events from events_by_day where bucket = %(since)s group by project_id
) as counted using (project_id)
