-- Events between consecutive edges: segment n is [edges[n], edges[n + 1]). Of each type (source 'type'), of all ('all'),
-- and views of each page ('page'); of those projects only, each from its start on, and of the edges in [since, until].
-- Exact to the microsecond: whole minutes come from the aggregates, put into the segment in which they begin, or for
-- that of an edge, before it; the rest of an edge's minute is counted from the events and moved behind it.
-- A plain query in one function, so the planner sees the bounds and leaves partitions and chunks out.
create function events_between(
    type_projects integer[], type_starts timestamptz[], page_projects integer[], page_starts timestamptz[],
    edges timestamptz[], since timestamptz, until timestamptz)
returns table (source text, project_id integer, key text, segment integer, events bigint)
language sql stable as $$
    with minute_rests as materialized (
        select number::integer, at, time_bucket('1 minute', at - interval '1 microsecond') + interval '1 minute' as stop
        from unnest(edges) with ordinality as edge (at, number)
        where at >= since and at <= until
    ),
    counted_types as materialized (
        select project_id, event_type, segment, sum(events) as events
        from (
            select project_id, event_type, width_bucket(bucket, edges) as segment, events
            from unnest(type_projects, type_starts) as watched (project_id, start)
            join events_by_minute using (project_id)
            where bucket >= start and bucket >= since and bucket < until
            union all
            select watched.project_id, event_type, number - side, rest.events * (1 - 2 * side)
            from unnest(type_projects, type_starts) as watched (project_id, start)
            join minute_rests on at >= start
            cross join lateral (
                select event_type, count(*) as events
                from events
                where events.project_id = watched.project_id and ts >= at and ts < stop
                  and ts >= since and ts < until + interval '1 minute'
                group by event_type
            ) as rest
            cross join (values (0), (1)) as moved (side)
        ) as parts
        group by project_id, event_type, segment
    )
    select 'type', project_id, event_type, segment, events::bigint from counted_types
    union all
    select 'all', project_id, '', segment, sum(events)::bigint from counted_types group by project_id, segment
    union all
    select 'page', project_id, page_url, segment, sum(events)::bigint
    from (
        select project_id, page_url, width_bucket(bucket, edges) as segment, views as events
        from unnest(page_projects, page_starts) as watched (project_id, start)
        join pages_by_minute using (project_id)
        where bucket >= start and bucket >= since and bucket < until
        union all
        select watched.project_id, page_url, number - side, rest.events * (1 - 2 * side)
        from unnest(page_projects, page_starts) as watched (project_id, start)
        join minute_rests on at >= start
        cross join lateral (
            select page_url, count(*) as events
            from events
            where events.project_id = watched.project_id and ts >= at and ts < stop
              and ts >= since and ts < until + interval '1 minute'
              and event_type in ('view', 'page_view') and page_url is not null
            group by page_url
        ) as rest
        cross join (values (0), (1)) as moved (side)
    ) as parts
    group by project_id, page_url, segment
$$;
