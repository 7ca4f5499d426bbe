-- Forgets an index on a property that was dropped.
delete from property_indexes
where index_id = %(index_id)s and state = 'dropping'
