-- The device and the subject of a delivery that has not ended.
select device_id, collapse
from deliveries join notifications using (notification_id)
where delivery_id = %(delivery_id)s and ended_at is null
