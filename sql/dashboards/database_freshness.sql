-- How current each aggregate is; the one furthest behind first.
select aggregate, materialized_to as "materialised to", behind_seconds as behind, gap_events as gap
from aggregate_freshness
order by behind_seconds desc, aggregate
