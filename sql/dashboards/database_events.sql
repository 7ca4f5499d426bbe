-- Events that were ever counted, of all projects: the aggregates keep them when retention drops the events.
select coalesce(sum(events), 0)::bigint as events
from events_by_day
