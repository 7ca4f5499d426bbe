-- Events per minute and type: rolling windows and live charts.
--
-- Refreshed (0003_policies) from 2 minutes ago backwards; younger events are read from the raw table at query time, so they
-- count at once. One row a minute and type: about 1,500 rows a day and type, whatever the traffic.
create materialized view events_by_minute
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false) as
select project_id, time_bucket(interval '1 minute', ts) as bucket, event_type, count(*) as events
from events
group by 1, 2, 3
with no data;

-- Serves rolling windows and charts of one project. A minute holds few types, so the type needs no index of its own.
create index events_by_minute_project on events_by_minute (project_id, bucket desc);
