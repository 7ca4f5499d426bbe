-- How many rejected events of a project there are for each reason.
select reason, count(*)
from matching_rejected_events(%(project_id)s, null, %(source)s, %(event_type)s, %(since)s)
group by reason
order by reason
