-- The indexes on properties that a project asked for, the oldest first.
select index_id, project_id, path, state, requested_at, ready_at, attempts, error
from property_indexes
where project_id = %(project_id)s
order by index_id
