-- Users (or anonymous visitors) seen in the last 5 minutes: sql/queries/active_users.sql, at the end of the time range.
select count(distinct user_id) as "active users"
from sessions
where project_id = ${project:sqlstring}
  and last_seen_at > $__timeTo()::timestamptz - interval '5 minutes'
  and user_id <> ''
