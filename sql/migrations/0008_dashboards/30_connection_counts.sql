-- Clients' connections to the whole server, which is what max_connections bounds, by state: active, idle, idle in
-- transaction, … or unknown. Who asks may not look into the connections of others, so the owner does, and tells numbers
-- only. Unless the owner has pg_read_all_stats (pg_monitor has it) states of others are unknown to it as well.
create function count_connections() returns table (state text, connections bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(state, 'unknown'), count(*)
    from pg_stat_activity
    where coalesce(backend_type, 'client backend') = 'client backend' and usesysid is not null
    group by 1
$$;
revoke all on function count_connections() from public;

create view connection_counts as select * from count_connections();
