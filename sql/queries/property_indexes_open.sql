-- The indexes on properties that are to be built or dropped, the oldest wish first.
select index_id, project_id, path, state, requested_at, ready_at, attempts, error
from property_indexes
where state in ('building', 'dropping')
order by index_id
