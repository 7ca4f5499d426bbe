-- Of a project's sessions seen after one time and before another, the first 10,000: closes those that are open. They ended
-- when they were seen last; one that was seen again after it had been closed is open again. Answers when the last of the
-- 10,000 was seen (null: there was none), and how many were closed. Never waits for a writer, who holds rows in another
-- order: what a writer is at was just seen.
with seen as materialized (
    select user_id, session_id, last_seen_at
    from sessions
    where project_id = %(project_id)s and last_seen_at > %(seen_after)s and last_seen_at < %(seen_before)s
    order by last_seen_at
    fetch first 10000 rows with ties
),
open_session as materialized (
    select sessions.user_id, sessions.session_id
    from sessions join seen using (user_id, session_id)
    where sessions.project_id = %(project_id)s
      and sessions.last_seen_at < %(seen_before)s
      and (sessions.ended_at is null or sessions.ended_at < sessions.last_seen_at)
    for update of sessions skip locked
),
closed as (
    update sessions
    set ended_at = last_seen_at
    from open_session
    where sessions.project_id = %(project_id)s
      and sessions.user_id = open_session.user_id and sessions.session_id = open_session.session_id
    returning 1
)
select (select max(last_seen_at) from seen), (select count(*) from closed)
