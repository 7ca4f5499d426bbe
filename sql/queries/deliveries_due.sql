-- Deliveries that are due, marked as sent to the workers; again after a while, as long as they have not ended.
with due as (
    select delivery_id
    from deliveries
    where ended_at is null
      and next_attempt_at <= %(now)s
      and (queued_at is null or queued_at <= %(now)s - interval '10 seconds')
    order by next_attempt_at
    limit 500
    for update skip locked
)
update deliveries set queued_at = %(now)s
from due
where deliveries.delivery_id = due.delivery_id
returning deliveries.delivery_id
