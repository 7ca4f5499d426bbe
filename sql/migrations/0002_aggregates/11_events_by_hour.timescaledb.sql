-- Events per hour and type: charts over days. Made from events_by_minute, never from raw events.
--
-- Refreshed (0003_policies) up to the last whole hour; the running hour is summed from at most 70 minute buckets a type.
create materialized view events_by_hour
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false,
      timescaledb.chunk_interval = '30 days') as
select project_id, time_bucket(interval '1 hour', bucket) as bucket, event_type, sum(events)::bigint as events
from events_by_minute
group by 1, 2, 3
with no data;

-- Serves charts of one project.
create index events_by_hour_project on events_by_hour (project_id, bucket desc);
