-- Statements by the time they took altogether since statistics were reset, in milliseconds.
select query as statement, calls, mean_ms as mean, total_ms as total, rows
from slow_statements
order by total_ms desc
limit 50
