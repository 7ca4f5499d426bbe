-- Begins an index on a property: new partitions and chunks get theirs by themselves from now on.
create index {name} on only events ((jsonb_hash_extended(properties #> {path}::text[], 0)), ts)
where project_id = {project_id} and properties #> {path}::text[] is not null
