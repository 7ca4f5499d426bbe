-- Forgets old notifications with their places in inboxes, deliveries and attempts; none that is still on its way.
delete from notifications
where notification_id in (
    select notification_id
    from notifications
    where created_at < %(before)s
      and not exists (
          select from deliveries
          where deliveries.notification_id = notifications.notification_id and ended_at is null)
    limit %(most)s
)
