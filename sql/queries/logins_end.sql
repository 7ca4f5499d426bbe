-- Ends all login sessions of an account, but one.
update login_sessions
set ended_at = %(now)s, ended_by = %(reason)s
where account_id = %(account_id)s and ended_at is null and login_id is distinct from %(but)s
