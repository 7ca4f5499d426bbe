-- The memory of ids that were stored: ids given by clients, and the id of each batch the writer committed
-- (under project 0). Two generations: `rotate_event_ledger` empties the older one and makes it the current
-- one, so an id is remembered for one to two rotations.
create table event_ledger (
    generation smallint not null,
    project_id integer not null,
    event_id   uuid not null,
    primary key (generation, project_id, event_id)
) partition by list (generation);
create table event_ledger_0 partition of event_ledger for values in (0);
create table event_ledger_1 partition of event_ledger for values in (1);

create table event_ledger_state (
    only_row   boolean primary key default true check (only_row),
    current    smallint not null check (current in (0, 1)),
    rotated_at timestamptz not null
);
insert into event_ledger_state (current, rotated_at) values (0, now());

-- Rotates when the current generation is older than min_age; true when it did. Takes the state exclusively:
-- writers hold it shared until they commit, so no claim in flight can miss an id of the other generation.
-- Gives up after two seconds, rather than keep all writers waiting behind one; the schedule tries again.
create function rotate_event_ledger(at timestamptz, min_age interval) returns boolean
language plpgsql set lock_timeout = '2s' as $$
declare
    older smallint;
begin
    lock table event_ledger_state in access exclusive mode;
    select 1 - current into older from event_ledger_state where rotated_at <= at - min_age;
    if older is null then
        return false;
    end if;
    execute format('truncate event_ledger_%s', older);
    update event_ledger_state set current = older, rotated_at = at;
    return true;
end;
$$;
