-- Pages of the last 15 minutes, most viewed first: sql/queries/top_pages.sql, at the end of the time range.
select page_url as "page", sum(views)::bigint as "views"
from (
    select page_url, views
    from pages_by_minute
    where project_id = ${project:sqlstring}
      and bucket > time_bucket('1 minute', $__timeTo()::timestamptz - interval '15 minutes')
      and bucket <= $__timeTo()
    union all
    select page_url, 1
    from events
    where project_id = ${project:sqlstring}
      and ts > $__timeTo()::timestamptz - interval '15 minutes'
      and ts < time_bucket('1 minute', $__timeTo()::timestamptz - interval '15 minutes') + interval '1 minute'
      and event_type in ('view', 'page_view') and page_url is not null
    union all
    select page_url, -1
    from events
    where project_id = ${project:sqlstring}
      and ts > $__timeTo()
      and ts < time_bucket('1 minute', $__timeTo()::timestamptz) + interval '1 minute'
      and event_type in ('view', 'page_view') and page_url is not null
) as viewed
group by page_url
having sum(views) > 0
order by sum(views) desc, page_url
limit 20
