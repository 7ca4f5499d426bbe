-- The recipients who want a notification live.
select account_id
from notifications
join notification_recipients using (notification_id)
join accounts using (account_id)
left join (select * from notification_preferences where channel = 'live') as preference using (account_id, kind)
where notification_id = %(notification_id)s
  and not accounts.disabled
  and (preference.enabled is null
       or preference.enabled
          and array_position('{info,warning,critical}', severity)
              >= array_position('{info,warning,critical}', preference.minimum_severity))
