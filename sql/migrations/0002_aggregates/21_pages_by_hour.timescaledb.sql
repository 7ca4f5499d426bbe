-- Page views per hour and URL: top pages of days. Made from pages_by_minute.
--
-- Refreshed (0003_policies) up to the last whole hour; the running hour is summed from at most 70 minute buckets a page.
create materialized view pages_by_hour
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false,
      timescaledb.chunk_interval = '30 days') as
select project_id, time_bucket(interval '1 hour', bucket) as bucket, page_url, sum(views)::bigint as views
from pages_by_minute
group by 1, 2, 3
with no data;

-- Serves top pages of one project.
create index pages_by_hour_project on pages_by_hour (project_id, bucket desc);
