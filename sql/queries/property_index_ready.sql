-- Notes that an index on a property is complete, unless it was given up meanwhile.
update property_indexes
set state = 'ready', ready_at = %(now)s, error = null
where index_id = %(index_id)s and state = 'building'
