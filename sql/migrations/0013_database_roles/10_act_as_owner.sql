-- What collector and workers do beyond their own rights they do by functions that act with the owner's: these, each of
-- which does one thing. Only who is granted them (sql/queries/grant_to_roles.sql) may call them. Their search path is
-- fixed to the schema of events, so that no caller can put a table of their own in the place of ours.
do $$
declare
    signature text;
begin
    foreach signature in array array[
        'rotate_event_ledger(timestamptz, interval)',
        'make_event_partition(timestamptz, timestamptz)', -- these two: postgres engine only
        'drop_event_partitions(timestamptz)'
    ] loop
        if to_regprocedure(signature) is not null then
            execute format('alter function %s security definer set search_path = %I, pg_temp', signature,
                           (select relnamespace::regnamespace::name from pg_class where oid = 'events'::regclass));
            execute format('revoke execute on function %s from public', signature);
        end if;
    end loop;
end;
$$;
