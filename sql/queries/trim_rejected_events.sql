-- Keep only the newest rejected events of each project; returns how many went.
with oldest_kept as (
    select project_id,
           (select rejected_id from rejected_events
            where project_id = projects.project_id
            order by rejected_id desc offset %(kept)s - 1 limit 1) as rejected_id
    from projects
),
trimmed as (
    delete from rejected_events using oldest_kept
    where rejected_events.project_id = oldest_kept.project_id
      and rejected_events.rejected_id < oldest_kept.rejected_id
    returning 1
)
select count(*) from trimmed
