-- The oldest notification whose deliveries were not made yet, and that nobody else works on.
select notification_id, severity
from notifications
where spread_at is null
order by notification_id
limit 1
for update skip locked
