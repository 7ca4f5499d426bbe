-- Page views and pages of the time range, and views of the period of the same width before it. A range is its
-- minutes, from more than two days on its hours, from more than 62 days on its days.
select views, pages, previous_views, (views - previous_views)::float8 / nullif(previous_views, 0) as change
from (
    select coalesce(sum(views) filter (where bucket >= $__timeFrom()), 0)::bigint as views,
           count(distinct page_url) filter (where bucket >= $__timeFrom()) as pages,
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
) as periods
