-- Events per UTC day and type: counts over any range of days. Made from events_by_hour.
--
-- Refreshed (0003_policies) up to the last whole day; the running day is summed from at most 25 hour buckets a type.
create materialized view events_by_day
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false,
      timescaledb.chunk_interval = '360 days') as
select project_id, time_bucket(interval '1 day', bucket) as bucket, event_type, sum(events)::bigint as events
from events_by_hour
group by 1, 2, 3
with no data;

-- Serves counts of one project over days.
create index events_by_day_project on events_by_day (project_id, bucket desc);
