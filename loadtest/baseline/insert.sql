-- Stores one event; its id.
insert into baseline_events (event_type, user_id, session_id, page_url, properties)
values (%(event_type)s, %(user_id)s, %(session_id)s, %(page_url)s, %(properties)s)
returning event_id
