-- Sessions that began in the time range: how many, their median length in seconds, and events a session. They were
-- last seen after its start, for which there is an index.
select count(*) as sessions,
       percentile_cont(0.5) within group (order by extract(epoch from last_seen_at - started_at)::float8) as length,
       avg(events)::float8 as events
from sessions
where project_id = ${project:sqlstring}
  and session_id <> ''
  and $__timeFilter(started_at)
  and last_seen_at >= $__timeFrom()
