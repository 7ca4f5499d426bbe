-- Rejected events of a project that were understood and not stored since, the oldest first; ids: only these.
select rejected_id, event::text as event
from matching_rejected_events(%(project_id)s, %(reason)s, %(source)s, %(event_type)s, %(since)s)
where event is not null
  and replayed_at is null
  and rejected_id > %(after)s
  and (%(ids)s::bigint[] is null or rejected_id = any(%(ids)s))
order by rejected_id
limit %(limit)s
