-- Exports to be worked on, marked as sent to the workers: those that wait, and those whose worker is gone; again after a
-- while, as long as they have not ended.
with due as (
    select export_id
    from exports
    where state in ('waiting', 'running')
      and not_before <= %(now)s
      and (state = 'waiting' or heartbeat_at <= %(now)s - interval '15 seconds')
      and (queued_at is null or queued_at <= %(now)s - interval '60 seconds')
    order by not_before
    limit 100
    for update skip locked
)
update exports set queued_at = %(now)s
from due
where exports.export_id = due.export_id
returning exports.export_id
