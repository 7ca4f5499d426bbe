-- Exports: a request in the API or a schedule of a report asks for one, a worker writes its file into the file store.
-- Who has an export's lock works on it (workers/exports.py). Each attempt writes under a name of its own, and only the
-- attempt that is the last one enters its file here: so a file that is named here is whole.
create table exports (
    export_id     uuid primary key,
    project_id    integer not null references projects on delete cascade,
    account_id    uuid references accounts on delete set null, -- who asked; null: a schedule, the admin token, or gone
    recipients    uuid[] not null, -- accounts that are told of it and may have it, beside those who administer
    kind          text not null check (kind in ('events', 'report')),
    format        text not null check (format in ('csv', 'ndjson', 'parquet', 'pdf')),
    request       jsonb not null, -- beatline.exports.EventsRequest or ReportRequest
    permission    text not null, -- what whoever may have it has to be allowed at least: beatline.accounts.access
    schedule_id   integer, -- of the report, which may be gone by now
    due_at        timestamptz,
    state         text not null default 'waiting'
                  check (state in ('waiting', 'running', 'done', 'failed', 'cancelled', 'expired')),
    requested_at  timestamptz not null,
    not_before    timestamptz not null, -- waits until then: after an attempt that failed
    queued_at     timestamptz, -- when the workers were told of it the last time
    attempts      integer not null default 0,
    started_at    timestamptz, -- of the last attempt
    heartbeat_at  timestamptz, -- when its worker was there the last time
    ended_at      timestamptz,
    expires_at    timestamptz, -- the file is kept until then
    rows_expected bigint,
    rows_written  bigint not null default 0,
    bytes         bigint,
    file_name     text, -- in the file store
    error         text, -- why it failed, or why the last attempt did
    check (state <> 'done' or file_name is not null),
    check ((schedule_id is null) = (due_at is null)),
    unique (schedule_id, due_at) -- each run of a schedule is asked for once
);
create index exports_project on exports (project_id, requested_at); -- serves the list, and the bounds on open ones
create index exports_open on exports (not_before) where state in ('waiting', 'running'); -- serves the workers
create index exports_kept on exports (expires_at) where file_name is not null; -- serves the deletion of files
