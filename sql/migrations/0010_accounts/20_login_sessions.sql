-- Where somebody is signed in. A refresh token can be used once; using it makes the next one. One that comes again later
-- was stolen, or its thief's was used first: the session ends either way (RFC 9700, section 4.14.2).
create table login_sessions (
    login_id            uuid primary key,
    account_id          uuid not null references accounts on delete cascade,
    created_at          timestamptz not null,
    last_used_at        timestamptz not null, -- of the last sign-in or refresh
    expires_at          timestamptz not null,
    ip_address          text not null,        -- of the last sign-in or refresh
    user_agent          text not null,
    refresh_id          uuid not null,        -- of the refresh token that is valid now
    previous_refresh_id uuid,                 -- of the one before: two tabs may use it at once
    refreshed_at        timestamptz not null,
    ended_at            timestamptz,
    ended_by            text check (ended_by in ('logout', 'revoked', 'reuse', 'password', 'disabled'))
);
-- Serves the list of somebody's sessions.
create index login_sessions_account on login_sessions (account_id);
-- Serves the schedule, which forgets those that are over.
create index login_sessions_expires on login_sessions (expires_at);
