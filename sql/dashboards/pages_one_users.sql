-- Who viewed one page in the time range, most views first.
select coalesce(user_id, anonymous_id) as "user", count(*) as views,
       count(distinct session_id) as sessions, max(ts) as "last view"
from events
where project_id = ${project:sqlstring}
  and $__timeFilter(ts)
  and event_type in ('view', 'page_view')
  and page_url = ${page:sqlstring}
  and coalesce(user_id, anonymous_id) is not null
group by 1
order by views desc, 1
limit 50
