-- Distinct users (user or anonymous id) seen since a time; a window that ends now.
select count(distinct user_id)
from sessions
where project_id = %(project_id)s and last_seen_at > %(since)s and user_id <> ''
