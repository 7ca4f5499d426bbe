-- The rows of a session that was seen since a time, one for each user in it, the last seen first; of one user where one is
-- named. known: whether it is a user, and not an anonymous id.
select user_id, started_at, last_seen_at,
       case when ended_at >= last_seen_at then ended_at end as ended_at,
       exists (
           select from users where users.project_id = sessions.project_id and users.user_id = sessions.user_id
       ) as known
from sessions
where project_id = %(project_id)s and session_id = %(session_id)s and last_seen_at > %(since)s
  and (%(user_id)s::text is null or user_id = %(user_id)s)
order by sessions.last_seen_at desc
limit 10
