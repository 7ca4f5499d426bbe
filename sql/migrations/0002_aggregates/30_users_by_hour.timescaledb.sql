-- Events per hour and user (user or anonymous id): distinct users of past hours are counted here, since distinct
-- counts cannot be summed. One row an hour and user seen in it.
--
-- Refreshed (0003_policies) up to the last whole hour; the running hour is read from at most 70 minutes of raw events. There
-- is no aggregate per minute and user below it: it would be nearly as large as the raw events and slower than they are.
create materialized view users_by_hour
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false,
      timescaledb.chunk_interval = '30 days') as
select project_id,
       time_bucket(interval '1 hour', ts) as bucket,
       coalesce(user_id, anonymous_id) as user_id,
       count(*) as events
from events
where coalesce(user_id, anonymous_id) is not null
group by 1, 2, 3
with no data;

-- Serves distinct users of one project.
create index users_by_hour_project on users_by_hour (project_id, bucket desc);
