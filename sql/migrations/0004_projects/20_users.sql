-- Who events are about. A user is known from the first event that names them; identify calls and the like give traits.

-- Joins JSON objects in the order of the aggregate; later values win.
create aggregate jsonb_merge(jsonb) (sfunc = jsonb_concat, stype = jsonb, initcond = '{}');

create table users (
    project_id      integer not null,
    user_id         text not null,
    first_seen_at   timestamptz not null, -- also of the anonymous ids merged into this user
    last_seen_at    timestamptz not null, -- at most a minute old; the sessions have it exactly
    set_traits      jsonb not null default '{}', -- newer values win; JSON null: unset
    set_once_traits jsonb not null default '{}', -- the first value wins, and any set trait
    set_at          timestamptz not null default '-infinity', -- time of the newest event in set_traits
    traits          jsonb not null generated always as (jsonb_strip_nulls(set_once_traits || set_traits)) stored,
    primary key (project_id, user_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

-- Ids under which a user acted before it was known who they are. One device may be used by several users.
create table user_aliases (
    project_id   integer not null,
    anonymous_id text not null,
    user_id      text not null,
    merged_at    timestamptz not null,
    primary key (project_id, anonymous_id, user_id)
);
-- Serves "which ids were merged into this user".
create index user_aliases_user on user_aliases (project_id, user_id);

-- What users belong to: companies, teams, …
create table groups (
    project_id    integer not null,
    group_type    text not null,
    group_key     text not null,
    first_seen_at timestamptz not null,
    last_seen_at  timestamptz not null, -- of the newest event that described the group
    traits        jsonb not null default '{}',
    primary key (project_id, group_type, group_key)
);
