-- Ends a delivery that is not sent.
update deliveries
set state = %(state)s, reason = coalesce(%(reason)s, reason), ended_at = %(now)s
where delivery_id = %(delivery_id)s
