-- Sessions of a project, the last seen first, from a place on; of some users or anonymous ids, or of all.
select user_id, session_id, started_at, last_seen_at,
       case when ended_at >= last_seen_at then ended_at end as ended_at, events
from sessions
where project_id = %(project_id)s
  and (%(persons)s::text[] is null or user_id = any (%(persons)s))
  and last_seen_at >= %(since)s and last_seen_at < %(until)s
  and (%(behind_at)s::timestamptz is null
       or last_seen_at <= %(behind_at)s
          and (last_seen_at, user_id, session_id) < (%(behind_at)s, %(behind_user)s::text, %(behind_session)s::text))
order by last_seen_at desc, user_id desc, session_id desc
limit %(limit)s
