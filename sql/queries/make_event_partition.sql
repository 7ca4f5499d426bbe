-- Make the partition of events that holds a time; true when there was none (postgres engine).
select make_event_partition(%(ts)s)
