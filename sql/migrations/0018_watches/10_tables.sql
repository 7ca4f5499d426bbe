-- Watches: numbers that somebody wants to be told of. A watch is somebody's own, or the project's, and then all of its
-- members are told. The workers evaluate them (docs/watches.md).
create table watches (
    watch_id          bigint generated always as identity primary key,
    project_id        integer not null references projects on delete cascade,
    account_id        uuid references accounts on delete cascade, -- null: the project's own
    name              text not null check (length(name) between 1 and 100),
    kind              text not null,              -- a key of beatline.watches.kinds.KINDS
    condition         jsonb not null,             -- as the struct of its kind has it
    severity          text not null check (severity in ('info', 'warning', 'critical')),
    minimum_seconds   integer not null check (minimum_seconds >= 0),   -- for which it holds before it fires
    cool_down_seconds integer not null check (cool_down_seconds >= 0), -- after an episode, without another one
    resolve_level     double precision,           -- hysteresis; null: the level at which it fires
    enabled           boolean not null,
    snoozed_until     timestamptz,                -- nothing is told before
    created_at        timestamptz not null,
    updated_at        timestamptz not null
);
-- Serves the list of a project, and the bound on its watches.
create index watches_project on watches (project_id, watch_id);
-- Serves the deletion of an account.
create index watches_account on watches (account_id);

-- Written at every evaluation, and so apart from what people write.
create table watch_states (
    watch_id     bigint primary key references watches on delete cascade,
    revision     integer not null default 1, -- counts changes of the watch; what was evaluated before one is void
    state        text not null default 'ok' check (state in ('ok', 'pending', 'firing', 'resolved')),
    since        timestamptz not null,       -- of the state
    value        double precision,           -- the last one; null: none yet
    evaluated_at timestamptz                 -- null: not yet
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1);

-- Each time that a watch fires is an episode.
create table watch_history (
    episode_id  bigint generated always as identity primary key,
    watch_id    bigint not null references watches on delete cascade,
    fired_at    timestamptz not null,
    resolved_at timestamptz,                    -- null: it fires
    ended_by    text check (ended_by in ('resolved', 'changed', 'disabled', 'deleted', 'stopped')),
    value       double precision not null,      -- when it fired
    peak        double precision not null,      -- the furthest from good while it fired
    notified    boolean not null default false, -- that it fires was told
    check ((resolved_at is null) = (ended_by is null))
);
-- A watch fires once at a time.
create unique index watch_history_firing on watch_history (watch_id) where resolved_at is null;
-- Serves the history of a watch, the newest first.
create index watch_history_watch on watch_history (watch_id, episode_id desc);
