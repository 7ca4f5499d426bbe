-- Ends a session for some users in it, not before it was seen last. Answers when it began and ended.
with ended as (
    update sessions
    set ended_at = greatest(last_seen_at, %(at)s)
    where project_id = %(project_id)s and session_id = %(session_id)s and user_id = any(%(user_ids)s::text[])
    returning started_at, ended_at
)
select min(started_at), max(ended_at) from ended
