-- Sessions seen in the last 5 minutes, of one user or of all: sql/queries/active_sessions.sql, at the end of the time range.
select count(distinct (session_id, case when session_id = '' then user_id end)) as "active sessions"
from sessions
where project_id = ${project:sqlstring}
  and last_seen_at > $__timeTo()::timestamptz - interval '5 minutes'
  and (${user:sqlstring} = '' or user_id = ${user:sqlstring})
