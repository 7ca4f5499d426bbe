-- A delivery that has not ended, held until the transaction ends, with a reason not to send it if there is one.
select delivery_id, device_id, devices.channel, target, attempts, next_attempt_at, expires_at,
       kind, severity, title, body, path, collapse, notifications.created_at,
       case
           when disabled then 'The account is disabled.'
           when project_id is not null and not exists (
               select from account_roles
               where account_roles.account_id = devices.account_id
                 and (account_roles.project_id = notifications.project_id or account_roles.project_id is null)
           ) then 'The account has no role in the project any more.'
           when unregistered_at is not null then 'The device is gone.'
           -- Not on a webhook, which is not a place where one thing takes another one's.
           when devices.channel <> 'webhook' and exists (
               select from deliveries as later join notifications as news using (notification_id)
               where later.device_id = deliveries.device_id
                 and later.notification_id > deliveries.notification_id
                 and news.collapse = notifications.collapse
           ) then 'A later one took its place.'
       end as why_not
from deliveries
join notifications using (notification_id)
join devices using (device_id)
join accounts using (account_id)
where delivery_id = %(delivery_id)s and ended_at is null
for update of deliveries
