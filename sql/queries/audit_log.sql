-- The newest administrative changes below a cursor.
select audit_id, at, actor, account_id, ip_address, request_id, project_id, action, subject, before, after
from audit_log
where (%(cursor)s::bigint is null or audit_id < %(cursor)s)
  and (%(project_ids)s::integer[] is null or project_id = any(%(project_ids)s))
  and (%(actor)s::text is null or actor = %(actor)s)
  and (%(action)s::text is null or action = %(action)s)
  and (%(since)s::timestamptz is null or at >= %(since)s)
  and (%(until)s::timestamptz is null or at < %(until)s)
order by audit_id desc
limit %(limit)s
