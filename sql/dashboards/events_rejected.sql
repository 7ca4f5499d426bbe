-- Rejected events per step and reason, of those that are kept.
select $__timeGroupAlias(received_at, $__interval, 0), reason as metric, count(*) as events
from rejected_events
where project_id = ${project:sqlstring}
  and received_at >= time_bucket($__interval_ms * interval '1 millisecond', timestamptz $__timeFrom())
  and received_at <= $__timeTo()
group by 1, 2
order by 1, 2
