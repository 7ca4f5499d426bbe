-- Notes that the live stream has had a notification.
update notifications set streamed_at = %(now)s where notification_id = %(notification_id)s
