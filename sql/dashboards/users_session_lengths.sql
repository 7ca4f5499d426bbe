-- Sessions that began in the time range by their length, from the first event to the last.
select label as "length", coalesce(sessions, 0) as sessions
from (values (0, '0 s'), (1, 'under 10 s'), (2, '10-30 s'), (3, '30-60 s'), (4, '1-3 min'), (5, '3-10 min'),
             (6, '10-30 min'), (7, '30-60 min'), (8, '1 h and more')) as classes (class, label)
left join (
    select width_bucket(extract(epoch from last_seen_at - started_at)::float8,
                        array[1e-6, 10, 30, 60, 180, 600, 1800, 3600]::float8[]) as class,
           count(*) as sessions
    from sessions
    where project_id = ${project:sqlstring}
      and session_id <> ''
      and $__timeFilter(started_at)
      and last_seen_at >= $__timeFrom()
    group by 1
) as counted using (class)
order by class
