-- The schemas of projects, as text.
select project_id, event_type, schema::text as schema from event_types where project_id = any(%(project_ids)s)
