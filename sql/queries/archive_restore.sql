-- Puts events of a day back that are not there; returns how many.
select restore_events(%(project_id)s, %(day)s, %(events)s::json)
