-- By how many events an aggregate differs from what it is made of, in one whole bucket of all projects: a minute of ten
-- minutes ago against the raw events, the last whole hour against the minutes, the last whole UTC day against the hours.
-- Anything but 0 means a trigger or a refresh that is broken, or an event of that bucket that came just now (timescaledb
-- engine: until the next refresh). Only what is cheap to compare: users, and pages beyond the minute, have too many rows.
create function aggregate_gaps(at timestamptz) returns table (aggregate text, gap_events bigint)
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
declare
    minute constant timestamptz := time_bucket('1 minute', at - interval '10 minutes');
    hour   constant timestamptz := time_bucket('1 hour', at - interval '75 minutes');
    day    constant timestamptz := time_bucket('1 day', at - interval '26 hours');
begin
    return query
    select 'events_by_minute', coalesce(sum(abs(raw.events - counted.events)), 0)::bigint
    from projects
    cross join lateral (
        select count(*) as events from events
        where project_id = projects.project_id and ts >= minute and ts < minute + interval '1 minute'
    ) as raw
    cross join lateral (
        select coalesce(sum(events), 0) as events from events_by_minute
        where project_id = projects.project_id and bucket = minute
    ) as counted;

    return query
    select 'pages_by_minute', coalesce(sum(abs(raw.views - counted.views)), 0)::bigint
    from projects
    cross join lateral (
        select count(*) as views from events
        where project_id = projects.project_id and ts >= minute and ts < minute + interval '1 minute'
          and event_type in ('view', 'page_view') and page_url is not null
    ) as raw
    cross join lateral (
        select coalesce(sum(views), 0) as views from pages_by_minute
        where project_id = projects.project_id and bucket = minute
    ) as counted;

    return query
    select 'events_by_hour', coalesce(sum(abs(finer.events - counted.events)), 0)::bigint
    from projects
    cross join lateral (
        select coalesce(sum(events), 0) as events from events_by_minute
        where project_id = projects.project_id and bucket >= hour and bucket < hour + interval '1 hour'
    ) as finer
    cross join lateral (
        select coalesce(sum(events), 0) as events from events_by_hour
        where project_id = projects.project_id and bucket = hour
    ) as counted;

    return query
    select 'events_by_day', coalesce(sum(abs(finer.events - counted.events)), 0)::bigint
    from projects
    cross join lateral (
        select coalesce(sum(events), 0) as events from events_by_hour
        where project_id = projects.project_id and bucket >= day and bucket < day + interval '1 day'
    ) as finer
    cross join lateral (
        select coalesce(sum(events), 0) as events from events_by_day
        where project_id = projects.project_id and bucket = day
    ) as counted;
end;
$$;
