-- Drops the part of events that ends at a time, if all of it is archived; whether it did.
select drop_archived_events(%(upper)s, %(now)s)
