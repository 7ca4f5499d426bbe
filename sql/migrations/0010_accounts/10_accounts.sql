-- People who sign in, and what each may do where.
create table accounts (
    account_id          uuid primary key,
    email               text not null unique check (email = lower(email) and length(email) between 3 and 254),
    name                text not null default '' check (length(name) <= 200),
    password_hash       text not null, -- Argon2id in its own encoding, which names its parameters
    password_changed_at timestamptz not null,
    disabled            boolean not null default false,
    created_at          timestamptz not null
);

create table account_roles (
    account_id uuid not null references accounts on delete cascade,
    project_id integer references projects on delete cascade, -- null: all projects, those to come too
    role       text not null check (role in ('admin', 'analyst', 'viewer')),
    unique nulls not distinct (account_id, project_id)
);
create index account_roles_project on account_roles (project_id); -- serves the deletion of a project
