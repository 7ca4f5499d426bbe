-- Sessions that began in the time range by the number of their events.
select label as "events", coalesce(sessions, 0) as sessions
from (values (0, '1'), (1, '2'), (2, '3-4'), (3, '5-9'), (4, '10-19'), (5, '20-49'), (6, '50-99'),
             (7, '100 and more')) as classes (class, label)
left join (
    select width_bucket(events, array[2, 3, 5, 10, 20, 50, 100]::bigint[]) as class, count(*) as sessions
    from sessions
    where project_id = ${project:sqlstring}
      and session_id <> ''
      and $__timeFilter(started_at)
      and last_seen_at >= $__timeFrom()
    group by 1
) as counted using (class)
order by class
