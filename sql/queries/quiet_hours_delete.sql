-- Ends somebody's quiet hours.
delete from quiet_hours where account_id = %(account_id)s
