-- The hash that a password must fit, of an account that may sign in.
select account_id, password_hash from accounts where email = %(email)s and not disabled
