-- Sessions seen since a time, of one user or of all; a user's events without a session are one session.
select count(distinct (session_id, case when session_id = '' then user_id end))
from sessions
where project_id = %(project_id)s
  and last_seen_at > %(since)s
  and (%(user_id)s::text is null or user_id = %(user_id)s)
