-- Whoever sends webhooks to us, each under POST /webhooks/in/<source> with a secret of its own. The secret signs what
-- they send, so it has to be kept as it is.
create table webhook_sources (
    source     text primary key check (source ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    project_id integer not null references projects on delete cascade,
    kind       text not null check (kind in ('generic', 'github', 'stripe')), -- how it signs, and its mapping
    secret     text not null check (length(secret) between 1 and 200),
    mapping    jsonb,                          -- of fields to JMESPath; null: the kind's own
    paused     boolean not null default false, -- refuses everything while true
    created_at timestamptz not null default now()
);
create index webhook_sources_project on webhook_sources (project_id);
