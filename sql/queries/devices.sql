-- Somebody's devices, the latest registered first.
select device_id, channel, target, name, registered_at, last_seen_at, failures, last_error, unregistered_at
from devices
where account_id = %(account_id)s
order by registered_at desc, device_id desc
