-- Notes that somebody has read all notifications up to one.
update notification_recipients
set read_at = %(now)s
where account_id = %(account_id)s and notification_id <= %(up_to)s and read_at is null
