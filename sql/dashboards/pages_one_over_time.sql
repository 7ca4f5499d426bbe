-- Views of one page per step, put together as in pages_over_time.
select $__timeGroupAlias(bucket, $__interval, 0), sum(views)::bigint as views
from (
    select * from pages_by_minute where $__interval_ms < 3600000
    union all
    select * from pages_by_hour where $__interval_ms >= 3600000 and $__interval_ms < 86400000
    union all
    select * from pages_by_day where $__interval_ms >= 86400000
) as counted
where project_id = ${project:sqlstring}
  and page_url = ${page:sqlstring}
  and bucket >= time_bucket($__interval_ms * interval '1 millisecond', timestamptz $__timeFrom())
  and bucket < $__timeTo()
group by 1
order by 1
