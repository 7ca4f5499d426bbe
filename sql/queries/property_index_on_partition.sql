-- Indexes a property in one partition or chunk, while it is written to.
create index concurrently {name} on {partition} ((jsonb_hash_extended(properties #> {path}::text[], 0)), ts)
where project_id = {project_id} and properties #> {path}::text[] is not null
