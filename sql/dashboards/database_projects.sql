-- Each project's events: how many were ever counted, and the minutes of the oldest and of the newest.
select
    projects.name as project,
    total.events,
    oldest.bucket as "oldest event",
    newest.bucket as "newest event"
from projects
cross join lateral (
    select coalesce(sum(events), 0)::bigint as events
    from events_by_day where project_id = projects.project_id
) as total
left join lateral (
    select bucket from events_by_minute where project_id = projects.project_id order by bucket limit 1
) as oldest on true
left join lateral (
    select bucket from events_by_minute where project_id = projects.project_id order by bucket desc limit 1
) as newest on true
order by total.events desc, projects.name
