-- A rejected event with all that is kept of it.
select rejected_id, received_at, source, reason, errors, raw,
       event ->> 'event_type' as event_type, event is not null as understood, replayed_at, event
from rejected_events
where project_id = %(project_id)s and rejected_id = %(rejected_id)s
