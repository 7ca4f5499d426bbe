-- The parts in which events can be dropped: partitions (days, months or years).
create function event_parts() returns table (lower timestamptz, upper timestamptz)
language sql stable as $$
    select greatest(event_partitions.lower, timestamptz '0001-01-01 00:00:00+00'), event_partitions.upper
    from event_partitions
$$;
