-- Lets the aggregates count at least the events of a project and day that are there, after the last one was restored.
-- What they count already stays: they may know of events that were never archived. In a database that is new it is
-- all of them. No event of the partition can come in between.
create function count_restored_events(of_project integer, of_day date) returns void
language plpgsql set lock_timeout = '30s' as $$
declare
    since constant timestamptz := of_day::timestamp at time zone 'UTC';
    until constant timestamptz := since + interval '1 day';
    part text;
begin
    select name into part from event_partitions where lower <= since and since < upper;
    execute format('lock table %I in share row exclusive mode', part);

    insert into events_by_minute as counted (project_id, bucket, event_type, events)
    select project_id, time_bucket('1 minute', ts) as bucket, event_type, count(*)
    from events
    where project_id = of_project and ts >= since and ts < until
    group by project_id, bucket, event_type
    on conflict (project_id, bucket, event_type) do update set events = excluded.events
    where counted.events < excluded.events;

    insert into events_by_hour as counted (project_id, bucket, event_type, events)
    select project_id, time_bucket('1 hour', ts) as bucket, event_type, count(*)
    from events
    where project_id = of_project and ts >= since and ts < until
    group by project_id, bucket, event_type
    on conflict (project_id, bucket, event_type) do update set events = excluded.events
    where counted.events < excluded.events;

    insert into events_by_day as counted (project_id, bucket, event_type, events)
    select project_id, time_bucket('1 day', ts) as bucket, event_type, count(*)
    from events
    where project_id = of_project and ts >= since and ts < until
    group by project_id, bucket, event_type
    on conflict (project_id, bucket, event_type) do update set events = excluded.events
    where counted.events < excluded.events;

    insert into pages_by_minute as counted (project_id, bucket, page_url, views)
    select project_id, time_bucket('1 minute', ts) as bucket, page_url, count(*)
    from events
    where project_id = of_project and ts >= since and ts < until
      and event_type in ('view', 'page_view') and page_url is not null
    group by project_id, bucket, page_url
    on conflict (project_id, bucket, page_url) do update set views = excluded.views
    where counted.views < excluded.views;

    insert into pages_by_hour as counted (project_id, bucket, page_url, views)
    select project_id, time_bucket('1 hour', ts) as bucket, page_url, count(*)
    from events
    where project_id = of_project and ts >= since and ts < until
      and event_type in ('view', 'page_view') and page_url is not null
    group by project_id, bucket, page_url
    on conflict (project_id, bucket, page_url) do update set views = excluded.views
    where counted.views < excluded.views;

    insert into pages_by_day as counted (project_id, bucket, page_url, views)
    select project_id, time_bucket('1 day', ts) as bucket, page_url, count(*)
    from events
    where project_id = of_project and ts >= since and ts < until
      and event_type in ('view', 'page_view') and page_url is not null
    group by project_id, bucket, page_url
    on conflict (project_id, bucket, page_url) do update set views = excluded.views
    where counted.views < excluded.views;

    insert into users_by_hour as counted (project_id, bucket, user_id, events)
    select project_id, time_bucket('1 hour', ts) as bucket, coalesce(user_id, anonymous_id) as actor, count(*)
    from events
    where project_id = of_project and ts >= since and ts < until and coalesce(user_id, anonymous_id) is not null
    group by project_id, bucket, actor
    on conflict (project_id, bucket, user_id) do update set events = excluded.events
    where counted.events < excluded.events;
end;
$$;
