-- Uses a refresh token and answers the one that follows; no row when it is not valid. The one before the last is
-- followed by the last, not by a new one, for as long as two tabs need to refresh at once.
update login_sessions
set previous_refresh_id = case when refresh_id = %(refresh_id)s then refresh_id else previous_refresh_id end,
    refreshed_at        = case when refresh_id = %(refresh_id)s then %(now)s else refreshed_at end,
    refresh_id          = case when refresh_id = %(refresh_id)s then %(next_id)s else refresh_id end,
    last_used_at        = %(now)s,
    expires_at          = %(until)s,
    ip_address          = %(ip_address)s,
    user_agent          = %(user_agent)s
where login_id = %(login_id)s and ended_at is null and expires_at > %(now)s
  and (refresh_id = %(refresh_id)s
       or (previous_refresh_id = %(refresh_id)s and refreshed_at >= %(grace_from)s))
  and exists (select from accounts where accounts.account_id = login_sessions.account_id and not disabled)
returning refresh_id
