-- Wishes for an index on a property; no row when there is no such project.
insert into property_indexes (project_id, path, requested_at)
select project_id, %(path)s, %(now)s
from projects
where project_id = %(project_id)s
returning index_id, project_id, path, state, requested_at, ready_at, attempts, error
