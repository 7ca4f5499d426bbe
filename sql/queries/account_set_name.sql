-- Gives an account another name.
update accounts set name = %(name)s where account_id = %(account_id)s
