-- Every accepted event, once. A hypertable with a chunk a day: a day is what retention drops and what the
-- columnstore converts, and a day's index stays in memory on small machines. Chunks are made on demand, for any year.
-- No primary key: uniqueness is the ledger's (a key would have to contain ts, which a retry may change).
create table events (
    project_id   integer not null,
    event_id     uuid not null,
    ts           timestamptz not null,
    received_at  timestamptz not null,
    event_type   text not null,
    user_id      text,
    anonymous_id text,
    session_id   text,
    device_id    text,
    page_url     text,
    app_version  text,
    os_name      text,
    os_version   text,
    properties   jsonb not null default '{}'
);

-- Without the default index on ts alone: no query reads the events of all projects by time.
select create_hypertable('events', by_range('ts', interval '1 day'), create_default_indexes => false);

-- Serves every read by time: the edges of rolling windows, throughput, the event log. Ascending: new entries go to
-- the right end, where pages are filled before they are split (32 bytes an event; 57 when descending).
create index events_project_ts on events (project_id, ts);
