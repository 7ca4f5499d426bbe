-- Where an account is signed in, the latest used first.
select login_id, created_at, last_used_at, expires_at, ip_address, user_agent
from login_sessions
where account_id = %(account_id)s and ended_at is null and expires_at > %(now)s
order by last_used_at desc
