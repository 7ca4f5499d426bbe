-- Ends an attempt: the delivery has ended, or waits for the next one.
update deliveries
set state = %(state)s,
    reason = %(message)s,
    next_attempt_at = %(next_attempt_at)s,
    queued_at = null,
    ended_at = case when %(state)s <> 'waiting' then %(now)s::timestamptz end
where delivery_id = %(delivery_id)s and attempts = %(attempt)s and ended_at is null
