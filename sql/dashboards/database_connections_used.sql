-- Share of the connections for ordinary roles that are in use.
select coalesce(sum(connections), 0)::float8
       / (current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer) as used
from connection_counts
