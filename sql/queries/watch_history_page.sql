-- Episodes of a project's watches below a cursor, the newest first: those of an account and the project's own, or everybody's.
select episode_id, watch_id, name, severity, kind, fired_at, resolved_at, ended_by, value, peak, notified
from watch_history join watches using (watch_id)
where project_id = %(project_id)s
  and (%(everybodys)s or account_id is null or account_id = %(account_id)s)
  and (%(watch_id)s::bigint is null or watch_id = %(watch_id)s)
  and (%(cursor)s::bigint is null or episode_id < %(cursor)s)
order by episode_id desc
limit %(limit)s
