-- Keeps what somebody wants of a kind on a channel.
insert into notification_preferences (account_id, kind, channel, enabled, minimum_severity)
values (%(account_id)s, %(kind)s, %(channel)s, %(enabled)s, %(minimum_severity)s)
