-- Notes what became of a delivery to a device. One that was registered again since the attempt is there, whatever the
-- provider said.
update devices
set failures = case when %(outcome)s = 'sent' then 0 else failures + 1 end,
    last_error = case when %(outcome)s <> 'sent' then %(message)s end,
    unregistered_at = case when %(outcome)s = 'unregistered' and last_seen_at < attempted_at then %(now)s::timestamptz
                           else unregistered_at end
from delivery_attempts
where devices.device_id = %(device_id)s and delivery_id = %(delivery_id)s and attempt = %(attempt)s
