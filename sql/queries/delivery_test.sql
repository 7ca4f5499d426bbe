-- Queues a notification for one device and no inbox, unless its key was queued before.
with queued as (
    insert into notifications
        (key, kind, severity, title, body, collapse, created_at, spread_at, streamed_at)
    values (%(key)s, 'test', 'info', 'Beatline can reach you here', 'You asked for this notification to try it.',
            %(key)s, %(now)s, %(now)s, %(now)s)
    on conflict (key) do nothing
    returning notification_id
)
insert into deliveries (delivery_id, notification_id, device_id, next_attempt_at, expires_at)
select %(delivery_id)s, notification_id, %(device_id)s, %(now)s, %(now)s + interval '1 hour' from queued
returning delivery_id
