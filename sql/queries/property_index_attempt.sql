-- Notes that work on an index on a property failed; after so many times it is not built any more.
update property_indexes
set attempts = attempts + 1,
    error    = %(error)s,
    state    = case when state = 'building' and attempts + 1 >= %(most)s then 'failed' else state end
where index_id = %(index_id)s
