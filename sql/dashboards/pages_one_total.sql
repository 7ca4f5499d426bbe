-- Views of one page in the time range, and the users and sessions that made them, which no aggregate has: raw events.
select count(*) as views,
       count(distinct coalesce(user_id, anonymous_id)) as users,
       count(distinct session_id) as sessions
from events
where project_id = ${project:sqlstring}
  and $__timeFilter(ts)
  and event_type in ('view', 'page_view')
  and page_url = ${page:sqlstring}
