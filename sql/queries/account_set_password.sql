-- Gives an account another password.
update accounts set password_hash = %(password_hash)s, password_changed_at = %(now)s where account_id = %(account_id)s
