-- What was sent to a device, the newest first, with the last attempts of each.
select delivery_id, notification_id, kind, severity, title, created_at, state, reason, attempts as attempt_count,
       next_attempt_at, ended_at,
       (select coalesce(jsonb_agg(to_jsonb(latest) - 'delivery_id' order by attempt), '[]')
        from (select * from delivery_attempts
              where delivery_attempts.delivery_id = deliveries.delivery_id
              order by attempt desc limit 20) as latest) as attempts
from deliveries join notifications using (notification_id)
where device_id = %(device_id)s and (%(cursor)s::bigint is null or notification_id < %(cursor)s)
order by notification_id desc
limit %(limit)s
