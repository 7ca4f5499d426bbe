-- Page views by URL in (since, until], most viewed first: whole minutes from the aggregate, plus the part
-- of a minute at its start, minus what is dated after its end. Bounds are parameters, so chunks are excluded.
select page_url, sum(views)::bigint as views
from (
    select page_url, views
    from pages_by_minute
    where project_id = %(project_id)s and bucket >= %(first_minute)s and bucket < %(minutes_end)s
    union all
    select page_url, 1
    from events
    where project_id = %(project_id)s and ts > %(since)s and ts < %(first_minute)s
      and event_type in ('view', 'page_view') and page_url is not null
    union all
    select page_url, -1
    from events
    where project_id = %(project_id)s and ts > %(until)s and ts < %(minutes_end)s
      and event_type in ('view', 'page_view') and page_url is not null
) as viewed
group by page_url
having sum(views) > 0
order by views desc, page_url
limit %(limit)s
