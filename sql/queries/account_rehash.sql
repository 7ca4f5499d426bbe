-- Replaces a hash by one of the same password with today's parameters.
update accounts set password_hash = %(password_hash)s where account_id = %(account_id)s
