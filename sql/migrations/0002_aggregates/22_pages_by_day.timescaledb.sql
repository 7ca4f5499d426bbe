-- Page views per UTC day and URL: top pages of months, and the history of one page. Made from pages_by_hour.
--
-- Refreshed (0003_policies) up to the last whole day; the running day is summed from at most 25 hour buckets a page.
create materialized view pages_by_day
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false,
      timescaledb.chunk_interval = '360 days') as
select project_id, time_bucket(interval '1 day', bucket) as bucket, page_url, sum(views)::bigint as views
from pages_by_hour
group by 1, 2, 3
with no data;

-- Serves top pages of one project.
create index pages_by_day_project on pages_by_day (project_id, bucket desc);

-- Serves the history of one page. A row with a URL of 2,048 bytes is below the 2,704 bytes an index row may have.
create index pages_by_day_page on pages_by_day (project_id, page_url, bucket desc);
