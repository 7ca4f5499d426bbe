-- Begins an attempt. next_attempt_at: when to try again if it never ends.
update deliveries
set state = 'sending', attempts = %(attempt)s, next_attempt_at = %(next_attempt_at)s
where delivery_id = %(delivery_id)s
