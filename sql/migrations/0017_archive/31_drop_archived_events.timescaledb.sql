-- Drops the chunk that ends at a time if all its events are archived and none is held; false when not. From the look
-- to the drop nobody can add to it. Gives up after two seconds behind a long read; the schedule tries again.
create function drop_archived_events(part_end timestamptz, at timestamptz) returns boolean
language plpgsql set lock_timeout = '2s' as $$
declare
    part record;
begin
    select chunk_schema, chunk_name, range_start, range_end into part
    from timescaledb_information.chunks
    where hypertable_name = 'events' and range_end = part_end;
    if not found then
        return false;
    end if;
    execute format('lock table %I.%I in share row exclusive mode', part.chunk_schema, part.chunk_name);
    if exists (select from archive_gaps(part.range_start, part.range_end, at)) then
        return false;
    end if;
    update archived_days set dropped_at = at, held_until = null
    where day >= (part.range_start at time zone 'UTC')::date and day < (part.range_end at time zone 'UTC')::date
      and state = 'verified';
    perform drop_chunks('events', older_than => part.range_end, newer_than => part.range_start);
    return true;
end;
$$;
