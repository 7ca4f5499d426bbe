-- Mark rejected events as stored; how many were not before.
with marked as (
    update rejected_events set replayed_at = %(now)s
    where project_id = %(project_id)s and rejected_id = any(%(ids)s) and replayed_at is null
    returning 1
)
select count(*) from marked
