-- Forget the description of an event type.
delete from event_types where project_id = %(project_id)s and event_type = %(event_type)s
