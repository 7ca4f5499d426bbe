-- Tokens that people make for their scripts. Known by their hash only: tokens are random, so it needs no salt.
create table api_tokens (
    token_id     uuid primary key,
    account_id   uuid not null references accounts on delete cascade,
    name         text not null check (length(name) between 1 and 200),
    token_hash   bytea not null unique check (length(token_hash) = 32), -- SHA-256
    scopes       text[] not null,   -- values of beatline.access.Permission: what the token may at most
    created_at   timestamptz not null,
    expires_at   timestamptz,       -- null: until revoked
    last_used_at timestamptz        -- at most a minute old
);
create index api_tokens_account on api_tokens (account_id);
