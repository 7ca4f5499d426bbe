-- What Grafana told of its alerts (POST /webhooks/grafana). An alert is known by its fingerprint, the hash of its
-- labels; each time that it fires is an episode, known by its start.
create table alert_history (
    alert_id          bigint generated always as identity primary key,
    org_id            bigint not null,      -- Grafana's organisation: fingerprints count within it
    fingerprint       text not null,
    starts_at         timestamptz not null, -- by Grafana's clock, as is resolved_at
    resolved_at       timestamptz,          -- null: it fires
    status            text not null generated always as
                      (case when resolved_at is null then 'firing' else 'resolved' end) stored,
    labels            jsonb not null,
    alertname         text generated always as (labels ->> 'alertname') stored,
    severity          text generated always as (labels ->> 'severity') stored,
    rule_uid          text,                 -- null: not told
    receiver          text not null,        -- the contact point that told last while it fired
    annotations       jsonb not null,
    "values"          jsonb,                -- what the rule's queries gave when it fired; null: nothing
    links             jsonb not null,       -- {name: URL} of the rule, a silence, its dashboard, panel and image
    first_received_at timestamptz not null, -- by the collector's clock
    last_received_at  timestamptz not null,
    deliveries        integer not null default 1,
    check (resolved_at >= starts_at),
    unique (org_id, fingerprint, starts_at)
);
-- An alert fires once at a time: its next episode ends the one before.
create unique index alert_history_firing on alert_history (org_id, fingerprint) where resolved_at is null;
