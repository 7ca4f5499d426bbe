-- Drops the partition that ends at a time if all its events are archived and none is held; false when not. From the
-- look to the drop nobody can add to it. Gives up after two seconds behind a long read; the schedule tries again.
create function drop_archived_events(part_end timestamptz, at timestamptz) returns boolean
language plpgsql set lock_timeout = '2s' as $$
declare
    part record;
begin
    select name, lower, upper into part from event_partitions where upper = part_end;
    if not found then
        return false;
    end if;
    execute format('lock table %I in share row exclusive mode', part.name);
    if exists (select from archive_gaps(part.lower, part.upper, at)) then
        return false;
    end if;
    update archived_days set dropped_at = at, held_until = null
    where day >= (part.lower at time zone 'UTC')::date and day < (part.upper at time zone 'UTC')::date
      and state = 'verified';
    execute format('drop table %I', part.name);
    return true;
end;
$$;

-- Retention without the archive: as before (0001_events), but restored days are left alone while they are held.
create or replace function drop_event_partitions(before timestamptz) returns integer
language plpgsql set lock_timeout = '2s' as $$
declare
    expired record;
    dropped integer := 0;
begin
    for expired in
        select name, (lower at time zone 'UTC')::date as first_day, (upper at time zone 'UTC')::date as end_day
        from event_partitions
        where upper <= before
        order by upper
    loop
        continue when exists (
            select from archived_days
            where day >= expired.first_day and day < expired.end_day and held_until > now());
        update archived_days set dropped_at = now(), held_until = null
        where day >= expired.first_day and day < expired.end_day;
        execute format('drop table %I', expired.name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end;
$$;
