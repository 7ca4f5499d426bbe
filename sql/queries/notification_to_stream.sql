-- The oldest notification that the live stream has not had, and that nobody else works on.
select notification_id, kind, severity, title, body, path, project_id, collapse, created_at
from notifications
where streamed_at is null and spread_at is not null
order by notification_id
limit 1
for update skip locked
