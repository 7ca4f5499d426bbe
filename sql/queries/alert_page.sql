-- Episodes of alerts, the newest first, from below a cursor on; since and until choose those that fired in between.
select alert_id, status, alertname, severity, rule_uid, org_id, fingerprint, receiver, labels, annotations, "values",
       links, starts_at, resolved_at, first_received_at, last_received_at, deliveries
from alert_history
where (%(cursor)s::bigint is null or alert_id < %(cursor)s)
  and (%(status)s::text is null or status = %(status)s)
  and (%(alertname)s::text is null or alertname = %(alertname)s)
  and (%(rule)s::text is null or rule_uid = %(rule)s)
  and (%(severity)s::text is null or severity = %(severity)s)
  and (%(since)s::timestamptz is null or resolved_at is null or resolved_at >= %(since)s)
  and (%(until)s::timestamptz is null or starts_at < %(until)s)
order by alert_id desc
limit %(limit)s
