-- The event types that a project describes itself, by name; event_type: only that one.
select event_type, schema::text as schema, description, created_at, updated_at
from event_types
where project_id = %(project_id)s
  and (%(event_type)s::text is null or event_type = %(event_type)s)
order by event_type
