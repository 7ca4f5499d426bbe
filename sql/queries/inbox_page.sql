-- Somebody's notifications, the newest first.
select notification_id, kind, severity, title, body, path, project_id, collapse, created_at, read_at
from notification_recipients join notifications using (notification_id)
where account_id = %(account_id)s
  and (%(cursor)s::bigint is null or notification_id < %(cursor)s)
  and (read_at is null or not %(unread)s)
order by notification_id desc
limit %(limit)s
