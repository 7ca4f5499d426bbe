-- Drop the partitions of events that lie wholly before a time; returns how many (postgres engine).
select drop_event_partitions(%(before)s)
