-- The parts in which events can be dropped: chunks (days).
create function event_parts() returns table (lower timestamptz, upper timestamptz)
language sql stable as $$
    select range_start, range_end from timescaledb_information.chunks where hypertable_name = 'events'
$$;
