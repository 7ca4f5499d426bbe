-- Forgets an account with its roles, sessions and tokens.
delete from accounts where account_id = %(account_id)s
