-- Which days of which project are archived, and with what result (docs/archive.md). Days are UTC's.
create table archived_days (
    day           date not null,
    project_id    integer not null,
    state         text not null default 'waiting' check (state in (
        'waiting',  -- never archived
        'verified', -- archived, and read back
        'stale',    -- archived, and events came since
        'damaged',  -- archived, and not to be read back: error says why
        'empty'     -- counted once and not there any more: dropped before anything was archived
    )),
    generation    integer not null default 0, -- of the archive: each replaces the one before
    events        bigint not null default 0,  -- in the archive
    bytes         bigint not null default 0,
    checksum      text,    -- SHA-256 of the manifest
    counted       bigint,  -- events that events_by_day counted when the day was archived: another number means stale
    -- What `events` had of the day when all of it was found in the archive. Only what has not changed since is dropped.
    stored_events bigint,
    stored_id_sum numeric, -- events_of_days.id_sum
    archived_at   timestamptz, -- when this generation was written
    tried_at      timestamptz,
    verified_at   timestamptz,
    dropped_at    timestamptz, -- from `events`; null again when the day was restored
    held_until    timestamptz, -- restored: retention leaves it alone until then
    error         text,
    primary key (day, project_id)
);
