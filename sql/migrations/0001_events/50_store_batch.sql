-- Stores a batch of the writer, exactly once, in one statement: ledger, rejected events, sessions, events.
-- Returns how many events were new; null when the batch itself was stored before. A statement in flight that
-- stores the same batch is waited for, so repeating an attempt of unknown end is always safe.
--   events:   [{project_id, event_id, ts, received_at, event_type, …, properties, client_id}], client_id true
--             where the id is the client's; no two such events of a batch have the same project and id
--   rejected: [{project_id, received_at, source, reason, errors, raw}]
create function store_batch(batch_id uuid, events json, rejected json) returns integer
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

    insert into rejected_events (project_id, received_at, source, reason, errors, raw)
    select * from json_to_recordset(rejected) as refused (
        project_id integer, received_at timestamptz, source text, reason text, errors jsonb, raw text);

    with incoming as materialized (
        select * from json_to_recordset(events) as event (
            project_id integer, event_id uuid, ts timestamptz, received_at timestamptz, event_type text,
            user_id text, anonymous_id text, session_id text, device_id text, page_url text,
            app_version text, os_name text, os_version text, properties jsonb, client_id boolean)
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
    seen as (
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
