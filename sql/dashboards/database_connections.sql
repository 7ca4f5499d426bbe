-- Connections to the server by state, most first.
select state, connections
from connection_counts
order by connections desc, state
