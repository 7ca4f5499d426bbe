-- What workers do with the owner's rights (0013_database_roles says how and why).
do $$
declare
    signature text;
begin
    foreach signature in array array[
        'event_parts()',
        'drop_archived_events(timestamptz, timestamptz)',
        'drop_event_partitions(timestamptz)' -- postgres engine only
    ] loop
        if to_regprocedure(signature) is not null then
            execute format('alter function %s security definer set search_path = %I, pg_temp', signature,
                           (select relnamespace::regnamespace::name from pg_class where oid = 'events'::regclass));
            execute format('revoke execute on function %s from public', signature);
        end if;
    end loop;
end;
$$;
