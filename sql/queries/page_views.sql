-- Page views in (since, until], put together as in top_pages.
select coalesce(sum(views), 0)::bigint
from (
    select sum(views) as views
    from pages_by_minute
    where project_id = %(project_id)s and bucket >= %(first_minute)s and bucket < %(minutes_end)s
    union all
    select count(*)
    from events
    where project_id = %(project_id)s and ts > %(since)s and ts < %(first_minute)s
      and event_type in ('view', 'page_view') and page_url is not null
    union all
    select -count(*)
    from events
    where project_id = %(project_id)s and ts > %(until)s and ts < %(minutes_end)s
      and event_type in ('view', 'page_view') and page_url is not null
) as viewed
