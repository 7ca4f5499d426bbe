-- By how many events aggregates differ from what they are made of, in the buckets that are compared.
select coalesce(sum(gap_events), 0)::bigint as events
from aggregate_freshness
