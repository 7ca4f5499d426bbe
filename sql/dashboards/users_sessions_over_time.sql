-- Sessions by the step in which they began.
select $__timeGroupAlias(started_at, $__interval, 0), count(*) as sessions
from sessions
where project_id = ${project:sqlstring}
  and session_id <> ''
  and started_at >= time_bucket($__interval_ms * interval '1 millisecond', timestamptz $__timeFrom())
  and started_at <= $__timeTo()
  and last_seen_at >= time_bucket($__interval_ms * interval '1 millisecond', timestamptz $__timeFrom())
group by 1
order by 1
