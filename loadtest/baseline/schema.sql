-- The table that such a service has: one index for reading by time, nothing kept exact beside it.
create table if not exists baseline_events (
    event_id    uuid primary key default gen_random_uuid(),
    ts          timestamptz not null default now(),
    event_type  text not null,
    user_id     text,
    session_id  text,
    page_url    text,
    properties  jsonb not null default '{}'
);
create index if not exists baseline_events_ts on baseline_events (ts)
