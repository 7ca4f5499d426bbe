-- The episodes of an alert that were not over before a time, in order.
select alert_id, starts_at, resolved_at
from alert_history
where org_id = %(org_id)s and fingerprint = %(fingerprint)s
  and (resolved_at is null or resolved_at >= %(starts_at)s)
order by starts_at
