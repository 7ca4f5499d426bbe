-- Indexes on properties, made on request. A row is the wish; the workers make the index itself and drop it, a part at a
-- time. The index is events_property_<index_id>, over (hash of the value, ts) of the project's events that have the
-- property. A hash, since values may be longer than a B-tree takes, and an event must never be refused for an index.
create table property_indexes (
    index_id     integer generated always as identity primary key,
    project_id   integer not null references projects on delete cascade,
    path         text[] not null check (cardinality(path) between 1 and 10),
    state        text not null default 'building' check (state in ('building', 'ready', 'failed', 'dropping')),
    requested_at timestamptz not null,
    ready_at     timestamptz,
    attempts     integer not null default 0,
    error        text,           -- why it failed
    unique (project_id, path)
);
