-- For how many seconds the aggregate that is furthest behind has been overdue.
select max(behind_seconds) as behind
from aggregate_freshness
