-- What the connections that are storing events wait for at this moment; 'CPU' when for nothing.
select coalesce(wait_event_type || ': ' || wait_event, 'CPU') as waits_for, count(*) as connections
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and state = 'active'
group by 1
