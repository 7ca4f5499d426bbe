-- Lets an account in no more, or again.
update accounts set disabled = %(disabled)s where account_id = %(account_id)s
