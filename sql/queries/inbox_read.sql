-- Notes that somebody has read a notification; the first time counts.
update notification_recipients
set read_at = coalesce(read_at, %(now)s)
where account_id = %(account_id)s and notification_id = %(notification_id)s
