-- Stores a batch of the writer, exactly once, in one statement: ledger, rejected events, sessions, users, events.
-- Returns how many events were new; null when the batch itself was stored before. A statement in flight that
-- stores the same batch is waited for, so repeating an attempt of unknown end is always safe.
--   events:   [{project_id, event_id, ts, received_at, event_type, …, properties, profile, client_id}], client_id true
--             where the id is the client's; no two such events of a batch have the same project and id.
--             profile is {set, set_once, merge, group: {type, key, set}}, each optional; merge is an anonymous id
--   rejected: [{project_id, received_at, source, reason, errors, raw, event}]
create or replace function store_batch(batch_id uuid, events json, rejected json) returns integer
language plpgsql as $$
declare
    current_generation smallint;
    stored integer;
begin
    select current into current_generation from event_ledger_state;

    insert into event_ledger (generation, project_id, event_id)
    values (current_generation, 0, batch_id)
    on conflict do nothing;
    if not found or exists (
        select from event_ledger older
        where older.generation = 1 - current_generation and older.project_id = 0 and older.event_id = batch_id
    ) then
        return null;
    end if;

    insert into rejected_events (project_id, received_at, source, reason, errors, raw, event)
    select * from json_to_recordset(rejected) as refused (
        project_id integer, received_at timestamptz, source text, reason text, errors jsonb, raw text, event jsonb);

    with incoming as materialized (
        select * from json_to_recordset(events) as event (
            project_id integer, event_id uuid, ts timestamptz, received_at timestamptz, event_type text,
            user_id text, anonymous_id text, session_id text, device_id text, page_url text,
            app_version text, os_name text, os_version text, properties jsonb, profile jsonb, client_id boolean)
    ),
    claimed as (
        insert into event_ledger (generation, project_id, event_id)
        select current_generation, project_id, event_id
        from incoming
        where client_id and not exists (
            select from event_ledger older
            where older.generation = 1 - current_generation
              and older.project_id = incoming.project_id
              and older.event_id = incoming.event_id
        )
        order by project_id, event_id
        on conflict do nothing
        returning project_id, event_id
    ),
    fresh as materialized (
        select * from incoming where client_id is not true
        union all
        select incoming.* from incoming join claimed using (project_id, event_id) where client_id
    ),
    -- Seen is the earlier of ts and received_at: a clock that runs ahead makes nobody active in the future.
    touched_sessions as (
        insert into sessions as known (project_id, user_id, session_id, started_at, last_seen_at, events)
        select project_id,
               coalesce(user_id, anonymous_id, '') as actor,
               coalesce(session_id, '') as visit,
               min(least(ts, received_at)),
               max(least(ts, received_at)),
               count(*)
        from fresh
        where coalesce(user_id, anonymous_id, session_id) is not null
        group by project_id, actor, visit
        order by project_id, actor, visit
        on conflict (project_id, user_id, session_id) do update
        set started_at   = least(known.started_at, excluded.started_at),
            last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
            events       = known.events + excluded.events
    ),
    merged as (
        insert into user_aliases (project_id, anonymous_id, user_id, merged_at)
        select project_id, profile ->> 'merge' as merge, user_id, min(received_at)
        from fresh
        where profile is not null and profile ->> 'merge' <> user_id
        group by project_id, merge, user_id
        order by project_id, merge, user_id
        on conflict do nothing
    ),
    -- An anonymous id that a user had earlier tells when the user was first seen.
    named as (
        select fresh.project_id, fresh.user_id,
               min(least(ts, received_at, earlier.started_at)) as first_seen_at,
               max(least(ts, received_at)) as last_seen_at,
               jsonb_merge(profile -> 'set' order by ts) filter (where profile ? 'set') as set_traits,
               jsonb_merge(profile -> 'set_once' order by ts desc) filter (where profile ? 'set_once')
                   as set_once_traits,
               max(ts) filter (where profile ? 'set') as set_at,
               bool_or(profile is not null) as told
        from fresh
        left join lateral (
            select min(sessions.started_at) as started_at
            from sessions
            where profile is not null
              and sessions.project_id = fresh.project_id
              and sessions.user_id = profile ->> 'merge'
        ) as earlier on profile is not null
        where fresh.user_id is not null
        group by fresh.project_id, fresh.user_id
    ),
    -- Touched when there is news: traits, somebody new, or a minute since the last time.
    touched_users as (
        insert into users as known (project_id, user_id, first_seen_at, last_seen_at,
                                    set_traits, set_once_traits, set_at)
        select project_id, user_id, first_seen_at, last_seen_at,
               coalesce(set_traits, '{}'), coalesce(set_once_traits, '{}'), coalesce(set_at, '-infinity')
        from named
        where told or not exists (
            select from users
            where users.project_id = named.project_id
              and users.user_id = named.user_id
              and users.first_seen_at <= named.first_seen_at
              and users.last_seen_at > named.last_seen_at - interval '1 minute'
        )
        order by project_id, user_id
        on conflict (project_id, user_id) do update
        set first_seen_at   = least(known.first_seen_at, excluded.first_seen_at),
            last_seen_at    = greatest(known.last_seen_at, excluded.last_seen_at),
            set_traits      = case when excluded.set_at >= known.set_at then known.set_traits || excluded.set_traits
                                   else excluded.set_traits || known.set_traits end,
            set_once_traits = excluded.set_once_traits || known.set_once_traits,
            set_at          = greatest(known.set_at, excluded.set_at)
    ),
    described_groups as (
        insert into groups as known (project_id, group_type, group_key, first_seen_at, last_seen_at, traits)
        select project_id, profile -> 'group' ->> 'type' as group_type, profile -> 'group' ->> 'key' as group_key,
               min(least(ts, received_at)), max(least(ts, received_at)),
               jsonb_merge(coalesce(profile -> 'group' -> 'set', '{}') order by ts)
        from fresh
        where profile ? 'group'
        group by project_id, group_type, group_key
        order by project_id, group_type, group_key
        on conflict (project_id, group_type, group_key) do update
        set first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
            last_seen_at  = greatest(known.last_seen_at, excluded.last_seen_at),
            traits        = case when excluded.last_seen_at >= known.last_seen_at
                                 then known.traits || excluded.traits else excluded.traits || known.traits end
    )
    insert into events (project_id, event_id, ts, received_at, event_type, user_id, anonymous_id,
                        session_id, device_id, page_url, app_version, os_name, os_version, properties)
    select project_id, event_id, ts, received_at, event_type, user_id, anonymous_id,
           session_id, device_id, page_url, app_version, os_name, os_version, coalesce(properties, '{}')
    from fresh;
    get diagnostics stored = row_count;
    return stored;
end;
$$;
