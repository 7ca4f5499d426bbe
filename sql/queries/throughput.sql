-- Events per step in (since, until], oldest first; steps without events are absent. Reads raw events by the
-- time index: the window is minutes long at most.
select date_bin(%(step)s::interval, ts, %(since)s) as at, count(*)
from events
where project_id = %(project_id)s and ts >= %(since)s and ts < %(until)s
group by at
order by at
