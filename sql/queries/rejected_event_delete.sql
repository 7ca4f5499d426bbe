-- Dismiss a rejected event.
delete from rejected_events where project_id = %(project_id)s and rejected_id = %(rejected_id)s
