-- By how many events an aggregate differs from what it is made of, in the bucket that is compared at a time.
select gap_events from aggregate_gaps(%(at)s) where aggregate = %(aggregate)s
