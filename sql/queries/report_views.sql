-- Views of pages by point of time, and by page when asked for, from the minutes, hours or days in [since, until), or from
-- events. Only of that page, or of pages that begin so.
select width_bucket(bucket, %(starts)s::timestamptz[]) as point,
       case when %(grouped)s then page_url end as page_url,
       sum(views)::bigint
from (
    select project_id, bucket, page_url, views from pages_by_day where %(unit)s::text = 'day'
    union all
    select project_id, bucket, page_url, views from pages_by_hour where %(unit)s::text = 'hour'
    union all
    select project_id, bucket, page_url, views from pages_by_minute where %(unit)s::text = 'minute'
    union all
    select project_id, ts, page_url, 1 from events
    where %(unit)s::text = 'raw' and event_type in ('view', 'page_view') and page_url is not null
) as counted
where project_id = %(project_id)s and bucket >= %(since)s and bucket < %(until)s
  and (%(page_url)s::text is null or page_url = %(page_url)s)
  and (%(page_prefix)s::text is null or starts_with(page_url, %(page_prefix)s))
group by 1, 2
limit %(limit)s
