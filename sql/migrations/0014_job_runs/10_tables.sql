-- The schedule as its leader knows it, for those who look at it. What runs when is decided in workers/schedule.py.
create table job_schedule (
    job      text primary key,
    queue    text not null,
    every    interval not null,
    past     interval not null, -- how long after the multiples of every, counted from midnight UTC
    may_take interval not null,
    missed   text not null check (missed in ('once', 'skip', 'each')),
    recorded boolean not null   -- whether its runs are rows of job_runs
);

-- A run of a job. Its row is the truth, and a message only says which row to look at: the leader sends one until the run
-- has ended, and whoever works on a run holds a lock that ends with their connection. Trimmed after a month.
create table job_runs (
    job        text not null,
    due_at     timestamptz not null, -- a multiple of the job's period, so each run is entered once, whoever leads
    sent_at    timestamptz,          -- when a message was sent the last time
    send_after timestamptz not null, -- when to send the next one, unless somebody works on the run
    attempts   integer not null default 0,
    failures   integer not null default 0, -- attempts that raised an error; in the others the worker died
    started_at timestamptz,          -- of the last attempt
    ended_at   timestamptz,
    outcome    text check (outcome in ('done', 'failed', 'skipped')),
    error      text,                 -- of the last attempt that failed
    primary key (job, due_at),       -- also serves the last run of each job
    check ((ended_at is null) = (outcome is null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
-- Serves the leader, who asks twice a second what to send.
create index job_runs_open on job_runs (job, due_at) where ended_at is null;
-- Serves the list of runs, the latest first, and trimming.
create index job_runs_due on job_runs (due_at desc, job desc);

-- Messages that failed for good, whatever broker carried them. The same one failing again is the same row.
create table dead_letters (
    dead_letter_id bigint generated always as identity primary key,
    queue          text not null,
    actor          text not null,  -- a job of the schedule, or a task
    arguments      jsonb not null, -- a list: when the run was due, or the id of the task's row
    error          text not null,
    traceback      text not null,  -- its end
    first_at       timestamptz not null,
    at             timestamptz not null,
    times          integer not null default 1,
    send_asked_at  timestamptz,    -- somebody wants it sent again; the leader of the schedule does
    unique (actor, arguments)
);
