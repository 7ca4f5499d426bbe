-- Make the daily partitions from today on; returns how many were missing (postgres engine).
select count(*) filter (where make_event_partition(day))
from generate_series(date_trunc('day', %(now)s::timestamptz, 'UTC'),
                     date_trunc('day', %(now)s::timestamptz, 'UTC') + %(ahead)s::interval,
                     interval '1 day') as day
