-- Forgets what somebody chose.
delete from notification_preferences where account_id = %(account_id)s
