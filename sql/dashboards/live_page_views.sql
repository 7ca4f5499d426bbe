-- Page views of the last 15 minutes: sql/queries/page_views.sql, at the end of the time range.
select coalesce(sum(views), 0)::bigint as "page views"
from (
    select sum(views) as views
    from pages_by_minute
    where project_id = ${project:sqlstring}
      and bucket > time_bucket('1 minute', $__timeTo()::timestamptz - interval '15 minutes')
      and bucket <= $__timeTo()
    union all
    select count(*)
    from events
    where project_id = ${project:sqlstring}
      and ts > $__timeTo()::timestamptz - interval '15 minutes'
      and ts < time_bucket('1 minute', $__timeTo()::timestamptz - interval '15 minutes') + interval '1 minute'
      and event_type in ('view', 'page_view') and page_url is not null
    union all
    select -count(*)
    from events
    where project_id = ${project:sqlstring}
      and ts > $__timeTo()
      and ts < time_bucket('1 minute', $__timeTo()::timestamptz) + interval '1 minute'
      and event_type in ('view', 'page_view') and page_url is not null
) as viewed
