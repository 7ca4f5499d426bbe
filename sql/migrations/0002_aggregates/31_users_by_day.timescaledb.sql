-- Events per UTC day and user (user or anonymous id): distinct users of past days, and the history of one user.
-- Made from users_by_hour.
--
-- Refreshed (0003_policies) up to the last whole day; the running day is summed from at most 25 hour buckets a user.
create materialized view users_by_day
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false,
      timescaledb.chunk_interval = '360 days') as
select project_id, time_bucket(interval '1 day', bucket) as bucket, user_id, sum(events)::bigint as events
from users_by_hour
group by 1, 2, 3
with no data;

-- Serves distinct users of one project.
create index users_by_day_project on users_by_day (project_id, bucket desc);

-- Serves the history of one user.
create index users_by_day_user on users_by_day (project_id, user_id, bucket desc);
