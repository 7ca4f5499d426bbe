-- Page views per minute and URL: top pages of the last minutes.
-- A page view is an event of type view or page_view with a page_url.
--
-- Refreshed (0003_policies) from 2 minutes ago backwards; younger views are read from the raw table at query time, so they
-- count at once. One row a minute and page that was viewed in it: at worst as many rows as views.
create materialized view pages_by_minute
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false) as
select project_id, time_bucket(interval '1 minute', ts) as bucket, page_url, count(*) as views
from events
where event_type in ('view', 'page_view') and page_url is not null
group by 1, 2, 3
with no data;

-- Serves top pages of one project.
create index pages_by_minute_project on pages_by_minute (project_id, bucket desc);
