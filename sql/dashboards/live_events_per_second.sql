-- Events per second, the mean of the last 10 seconds, as on the console.
select count(*) / 10.0 as "events per second"
from events
where project_id = ${project:sqlstring}
  and ts >= $__timeTo()::timestamptz - interval '10 seconds'
  and ts < $__timeTo()
