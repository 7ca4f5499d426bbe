-- Events per minute and type: rolling windows and live charts. Kept exact by a statement-level trigger: one upsert per insert
-- statement and key, in key order, so that concurrent writers wait for each other instead of deadlocking.
-- Triggers fire by name: the numbers put last those whose few rows every writer wants, and so hold, until the commit.
create table events_by_minute (
    project_id integer not null,
    bucket     timestamptz not null,
    event_type text not null,
    events     bigint not null,
    primary key (project_id, bucket, event_type)
) with (fillfactor = 50);

create function count_events_by_minute() returns trigger language plpgsql as $$
begin
    insert into events_by_minute as counted (project_id, bucket, event_type, events)
    select project_id, time_bucket('1 minute', ts) as bucket, event_type, count(*)
    from new_events
    group by project_id, bucket, event_type
    order by project_id, bucket, event_type
    on conflict (project_id, bucket, event_type)
        do update set events = counted.events + excluded.events;
    return null;
end;
$$;

create trigger count_3_events_by_minute after insert on events
referencing new table as new_events for each statement execute function count_events_by_minute();
