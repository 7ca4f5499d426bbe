-- Events per hour and user (user or anonymous id): distinct users of past hours are counted here, since
-- distinct counts cannot be summed. Kept exact as events_by_minute is.
create table users_by_hour (
    project_id integer not null,
    bucket     timestamptz not null,
    user_id    text not null,
    events     bigint not null,
    primary key (project_id, bucket, user_id)
) with (fillfactor = 80);

create function count_users_by_hour() returns trigger language plpgsql as $$
begin
    insert into users_by_hour as counted (project_id, bucket, user_id, events)
    select project_id, time_bucket('1 hour', ts) as bucket, coalesce(user_id, anonymous_id) as actor, count(*)
    from new_events
    where coalesce(user_id, anonymous_id) is not null
    group by project_id, bucket, actor
    order by project_id, bucket, actor
    on conflict (project_id, bucket, user_id)
        do update set events = counted.events + excluded.events;
    return null;
end;
$$;

create trigger count_1_users_by_hour after insert on events
referencing new table as new_events for each statement execute function count_users_by_hour();
