-- Signs an account in at a device.
insert into login_sessions (login_id, account_id, created_at, last_used_at, expires_at, ip_address, user_agent,
                            refresh_id, refreshed_at)
values (%(login_id)s, %(account_id)s, %(now)s, %(now)s, %(until)s, %(ip_address)s, %(user_agent)s,
        %(refresh_id)s, %(now)s)
