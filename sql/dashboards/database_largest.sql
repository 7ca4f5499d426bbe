-- The ten largest tables and aggregates.
select relation, total_bytes as bytes
from storage_sizes
order by total_bytes desc, relation
limit 10
