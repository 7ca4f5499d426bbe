-- Retention: drops the partitions of events that lie wholly before a time, oldest first; returns how many.
-- The aggregates keep what they counted. Gives up after two seconds behind a long read, rather than keep all
-- writers waiting; the schedule tries again.
create function drop_event_partitions(before timestamptz) returns integer
language plpgsql set lock_timeout = '2s' as $$
declare
    expired record;
    dropped integer := 0;
begin
    for expired in select name from event_partitions where upper <= before order by upper loop
        execute format('drop table %I', expired.name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end;
$$;
