-- Notes that the deliveries of a notification were made.
update notifications set spread_at = %(now)s where notification_id = %(notification_id)s
