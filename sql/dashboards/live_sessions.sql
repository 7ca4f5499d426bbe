-- The sessions of the last 5 minutes, of one user or of all, the last seen first.
select user_id as "user",
       session_id as "session",
       last_seen_at as "last seen",
       started_at as "started",
       extract(epoch from last_seen_at - started_at)::float8 as "length",
       events as "events"
from sessions
where project_id = ${project:sqlstring}
  and last_seen_at > $__timeTo()::timestamptz - interval '5 minutes'
  and (${user:sqlstring} = '' or user_id = ${user:sqlstring})
order by last_seen_at desc, user_id, session_id
limit 100
