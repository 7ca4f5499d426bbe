-- What people are told: queued in the transaction of what happened, kept as their inbox, pushed to their devices by the
-- workers (docs/notifications.md).
create table notifications (
    notification_id bigint generated always as identity primary key,
    key         text not null unique, -- the same one is queued once, whoever queues it
    kind        text not null,        -- alert, watch, report, export; test: somebody tries a device
    severity    text not null check (severity in ('info', 'warning', 'critical')),
    title       text not null,
    body        text not null,
    path        text,                 -- of the console's page about it
    project_id  integer references projects on delete cascade, -- null: of no project
    collapse    text not null,        -- on a device, later ones with the same text take the place of earlier ones
    created_at  timestamptz not null,
    spread_at   timestamptz,          -- when its deliveries were made; null: not yet
    streamed_at timestamptz           -- when the live stream had it; null: not yet
);
-- Serve the workers, who look for new ones every second.
create index notifications_to_spread on notifications (notification_id) where spread_at is null;
create index notifications_to_stream on notifications (notification_id) where streamed_at is null;
-- Serves trimming.
create index notifications_created on notifications (created_at);

-- Whom a notification is for: a row of somebody's inbox.
create table notification_recipients (
    account_id      uuid not null references accounts on delete cascade,
    notification_id bigint not null references notifications on delete cascade,
    read_at         timestamptz,
    primary key (account_id, notification_id) -- also serves the inbox, the newest first
);
-- Serves the workers and trimming.
create index notification_recipients_notification on notification_recipients (notification_id);
-- Serves the number of those that were not read.
create index notification_recipients_unread on notification_recipients (account_id) where read_at is null;

-- Where somebody is told. A device that another account registers becomes a new row, so that nothing of the one reaches
-- the other.
create table devices (
    device_id        uuid primary key,
    account_id       uuid not null references accounts on delete cascade,
    channel          text not null check (channel in ('fcm', 'apns', 'web_push', 'email', 'webhook')),
    target           jsonb not null, -- as the structs of beatline/notifications/channels.py have it; holds secrets
    target_hash      bytea not null check (length(target_hash) = 32), -- SHA-256 of what tells targets apart
    name             text not null check (length(name) between 1 and 100),
    registered_at    timestamptz not null,
    last_seen_at     timestamptz not null, -- when it was registered the last time
    failures         integer not null default 0, -- deliveries in a row that failed
    last_error       text,                 -- of the last one
    unregistered_at  timestamptz,          -- since when the provider says that it is gone; null: it is there
    unique (channel, target_hash)
);
-- Serves the list of somebody's devices, and the workers.
create index devices_account on devices (account_id);

-- What somebody wants where; without a row: everything.
create table notification_preferences (
    account_id       uuid not null references accounts on delete cascade,
    kind             text not null check (kind in ('alert', 'watch', 'report', 'export')),
    channel          text not null check (channel in ('fcm', 'apns', 'web_push', 'email', 'webhook', 'live')),
    enabled          boolean not null,
    minimum_severity text not null check (minimum_severity in ('info', 'warning', 'critical')),
    primary key (account_id, kind, channel)
);

-- When somebody's devices stay quiet, by the clock of their time zone. What comes meanwhile is sent at the end.
create table quiet_hours (
    account_id      uuid primary key references accounts on delete cascade,
    from_time       time not null,
    to_time         time not null,      -- not after from_time: on the next day
    time_zone       text not null,
    days            integer[] not null, -- on which they begin; 1 is Monday
    critical_passes boolean not null
);

-- A notification on its way to a device. Who sends it holds a lock that ends with the connection.
create table deliveries (
    delivery_id     uuid primary key,   -- the same in every attempt; providers and devices know repetitions by it
    notification_id bigint not null references notifications on delete cascade,
    device_id       uuid not null references devices on delete cascade,
    state           text not null default 'waiting'
        check (state in ('waiting', 'sending', 'sent', 'failed', 'dropped', 'expired')),
    reason          text,               -- why it failed or was dropped; the last error while it waits
    attempts        integer not null default 0,
    next_attempt_at timestamptz not null,
    expires_at      timestamptz not null,
    queued_at       timestamptz,        -- when a message about it was sent to the workers the last time
    ended_at        timestamptz,
    unique (notification_id, device_id),
    check ((ended_at is null) = (state in ('waiting', 'sending')))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
-- Serves the leader of the schedule, who asks every second what to send.
create index deliveries_open on deliveries (next_attempt_at) where ended_at is null;
-- Serves the list of a device, the newest first, and the search for later ones that take the place of one.
create index deliveries_device on deliveries (device_id, notification_id desc);

-- Each call of a provider: written before the call, its outcome after it. One without an outcome was cut short.
create table delivery_attempts (
    delivery_id  uuid not null references deliveries on delete cascade,
    attempt      integer not null,
    attempted_at timestamptz not null,
    outcome      text check (outcome in ('sent', 'unregistered', 'refused', 'unavailable', 'unknown')),
    message      text,    -- what the provider said
    provider_id  text,    -- its id of what was sent
    seconds      double precision,
    primary key (delivery_id, attempt)
);
