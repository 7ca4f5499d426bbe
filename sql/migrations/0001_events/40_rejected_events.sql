-- Events of otherwise good batches that were refused, with the reasons, to be shown and replayed.
-- Bounded: the schedule keeps the newest ones of each project (sql/queries/rejected_trim.sql).
create table rejected_events (
    rejected_id bigint generated always as identity primary key,
    project_id  integer not null,
    received_at timestamptz not null,
    source      text not null,   -- the route it came by
    reason      text not null,   -- a value of beatline.events.Reason
    errors      jsonb not null,  -- {field: [message]}
    raw         text not null    -- the event as it came; NUL written as \u0000, cut after 64 KiB
);

-- Serves the newest rejections of a project and the trimming.
create index rejected_events_newest on rejected_events (project_id, rejected_id desc);
