-- The last sessions of one user that lie in the time range, or partly so; '' holds the events without a session.
select session_id as "session", started_at as "started", last_seen_at as "last seen",
       extract(epoch from last_seen_at - started_at)::float8 as "length", events
from sessions
where project_id = ${project:sqlstring}
  and user_id = ${user:sqlstring}
  and last_seen_at >= $__timeFrom()
  and started_at <= $__timeTo()
order by last_seen_at desc, session_id
limit 50
