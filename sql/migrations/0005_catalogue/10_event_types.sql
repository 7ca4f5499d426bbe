-- What events of a type must look like. A type without a row, or without a schema, takes anything; the built-in types
-- (beatline/catalogue.py) need no row, one replaces their schema.
alter table projects
    add column catalogue_mode text not null default 'off' -- off: events are not looked at
        check (catalogue_mode in ('off', 'flag', 'enforce')),
    add column catalogue_version integer not null default 0; -- counts changes; processes read a catalogue that changed

create table event_types (
    project_id  integer not null references projects on delete cascade,
    event_type  text not null check (length(event_type) between 1 and 128),
    schema      jsonb, -- JSON Schema, draft 2020-12; null: takes anything
    description text not null default '',
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (project_id, event_type)
);
