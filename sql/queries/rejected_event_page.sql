-- Rejected events of a project, the newest first, from below a cursor on.
select rejected_id, received_at, source, reason, errors, left(raw, %(shown)s) as raw,
       event ->> 'event_type' as event_type, event is not null as understood, replayed_at
from matching_rejected_events(%(project_id)s, %(reason)s, %(source)s, %(event_type)s, %(since)s)
where %(cursor)s::bigint is null or rejected_id < %(cursor)s
order by rejected_id desc
limit %(limit)s
