-- What somebody chose; of the rest they have everything.
select kind, channel, enabled, minimum_severity
from notification_preferences
where account_id = %(account_id)s
