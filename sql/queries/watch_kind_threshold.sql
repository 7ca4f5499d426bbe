-- What threshold watches compare: (number, counted) of each wanted count, the sum of segments [first, stop) between edges.
with counted as materialized (
    select source, project_id, key, segment, events
    from events_between(
        %(type_projects)s::integer[], %(type_starts)s::timestamptz[],
        %(page_projects)s::integer[], %(page_starts)s::timestamptz[],
        %(edges)s::timestamptz[], %(since)s, %(until)s)
    union all
    -- Who was seen the last time in a segment was there in every window that begins before and ends now.
    select 'users', project_id, '', least(width_bucket(seen_at, %(edges)s::timestamptz[]), %(last)s), count(*)
    from (
        select project_id, user_id, max(last_seen_at) as seen_at
        from unnest(%(users_projects)s::integer[], %(users_starts)s::timestamptz[]) as watched (project_id, start)
        join sessions using (project_id)
        where last_seen_at >= start and user_id <> ''
        group by project_id, user_id
    ) as users
    group by 2, 4
    union all
    select 'sessions', project_id, '', least(width_bucket(seen_at, %(edges)s::timestamptz[]), %(last)s), count(*)
    from (
        select project_id, max(last_seen_at) as seen_at
        from unnest(%(sessions_projects)s::integer[], %(sessions_starts)s::timestamptz[]) as watched (project_id, start)
        join sessions using (project_id)
        where last_seen_at >= start
        group by project_id, session_id, case when session_id = '' then user_id end
    ) as visits
    group by 2, 4
    union all
    select 'rejected', project_id, '', width_bucket(received_at, %(edges)s::timestamptz[]), count(*)
    from unnest(%(rejected_projects)s::integer[], %(rejected_starts)s::timestamptz[]) as watched (project_id, start)
    join rejected_events using (project_id)
    where received_at >= start and received_at < %(until)s
    group by 2, 4
)
select wanted.number, coalesce(sum(counted.events), 0)::bigint
from jsonb_to_recordset(%(wanted)s::jsonb) as wanted (
    number integer, source text, project_id integer, key text, first integer, stop integer)
left join counted
    on counted.source = wanted.source and counted.project_id = wanted.project_id and counted.key = wanted.key
   and counted.segment >= wanted.first and counted.segment < wanted.stop
group by wanted.number
