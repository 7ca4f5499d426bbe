-- Files of events: uploaded to the collector, read by a worker chunk by chunk. A chunk's events and how far it came
-- are stored in one transaction, so an import goes on where it was stopped and nothing is stored twice.
create table imports (
    import_id     uuid primary key, -- at random: who knows it may look at the import
    project_id    integer not null references projects on delete cascade,
    status        text not null check (status in ('receiving', 'waiting', 'running', 'done', 'failed')),
    event_type    text,                 -- of rows that name none
    created_at    timestamptz not null, -- also received_at of its events
    started_at    timestamptz,
    finished_at   timestamptz,
    worked_at     timestamptz,          -- when a worker took it up the last time; the longest ago comes first
    attempts      integer not null default 0, -- since a chunk was stored
    file_bytes    bigint not null default 0,
    -- How far it came: places in the file and in that of the rejected rows, and what was counted up to there.
    bytes_read    bigint not null default 0,
    lines_read    bigint not null default 0,
    rows_read     bigint not null default 0,
    stored        bigint not null default 0,
    duplicates    bigint not null default 0,
    rejected      bigint not null default 0,
    rejects_bytes bigint not null default 0,
    error         text                  -- why it failed
);
-- Serves the bound on a project's open imports, and the workers' question for work.
create index imports_open on imports (project_id) where status in ('receiving', 'waiting', 'running');
