-- Has the workers drop an index on a property.
update property_indexes
set state = 'dropping', error = null, attempts = 0
where project_id = %(project_id)s and index_id = %(index_id)s
returning index_id, project_id, path, state, requested_at, ready_at, attempts, error
