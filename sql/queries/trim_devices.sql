-- Forgets devices that their provider does not know any more for long.
delete from devices where unregistered_at < %(before)s
