-- The quiet hours of some accounts.
select account_id, from_time, to_time, time_zone, days, critical_passes
from quiet_hours
where account_id = any(%(account_ids)s::uuid[])
