-- Ends a login session.
update login_sessions set ended_at = %(now)s, ended_by = %(reason)s where login_id = %(login_id)s and ended_at is null
