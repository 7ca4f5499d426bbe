-- Makes the deliveries of a notification; a device that was deleted meanwhile gets none.
insert into deliveries (delivery_id, notification_id, device_id, next_attempt_at, expires_at)
select delivery_id, %(notification_id)s, device_id, send_at, send_at + %(lifetime)s
from unnest(%(delivery_ids)s::uuid[], %(device_ids)s::uuid[], %(times)s::timestamptz[])
     as wanted (delivery_id, device_id, send_at)
join devices using (device_id)
on conflict (notification_id, device_id) do nothing
