-- The devices that a notification is sent to, by the preferences of its recipients, and whose they are.
select account_id, device_id
from notifications
join notification_recipients using (notification_id)
join accounts using (account_id)
join devices using (account_id)
left join notification_preferences as preference using (account_id, kind, channel)
where notification_id = %(notification_id)s
  and not accounts.disabled
  and devices.unregistered_at is null
  and (preference.enabled is null
       or preference.enabled
          and array_position('{info,warning,critical}', severity)
              >= array_position('{info,warning,critical}', preference.minimum_severity))
order by device_id
