-- Describe an event type, newly or anew; nothing happens when it would be one too many.
insert into event_types as known (project_id, event_type, schema, description, created_at, updated_at)
select %(project_id)s, %(event_type)s, %(schema)s::jsonb, %(description)s, %(now)s, %(now)s
where (select count(*) from event_types
       where project_id = %(project_id)s and event_type <> %(event_type)s) < %(most)s
on conflict (project_id, event_type) do update
set schema = excluded.schema, description = excluded.description, updated_at = excluded.updated_at
