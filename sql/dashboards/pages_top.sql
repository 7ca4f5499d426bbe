-- The most viewed pages: views, their share of all views, and the change against the period of the same width before
-- (null: not viewed then). Periods are put together as in pages_total.
select page_url as page, views, views::float8 / sum(views) over () as share, previous_views,
       (views - previous_views)::float8 / nullif(previous_views, 0) as change
from (
    select page_url,
           coalesce(sum(views) filter (where bucket >= $__timeFrom()), 0)::bigint as views,
           coalesce(sum(views) filter (where bucket < $__timeFrom()), 0)::bigint as previous_views
    from (
        select * from pages_by_minute where $__unixEpochTo() - $__unixEpochFrom() <= 2 * 86400
        union all
        select * from pages_by_hour
        where $__unixEpochTo() - $__unixEpochFrom() between 2 * 86400 + 1 and 62 * 86400
        union all
        select * from pages_by_day where $__unixEpochTo() - $__unixEpochFrom() > 62 * 86400
    ) as counted
    where project_id = ${project:sqlstring}
      and bucket >= to_timestamp($__unixEpochFrom() - ($__unixEpochTo() - $__unixEpochFrom()))
      and bucket < $__timeTo()
    group by page_url
) as pages
where views > 0
order by views desc, page_url
limit 100
