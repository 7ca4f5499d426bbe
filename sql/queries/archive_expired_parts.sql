-- The parts of events (partitions, chunks) that lie wholly before a time, the oldest first.
select lower, upper from event_parts() where upper <= %(before)s order by upper
