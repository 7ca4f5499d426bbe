-- Holds an account until the transaction ends, so that two who count its things do so one after the other.
select from accounts where account_id = %(account_id)s for no key update
