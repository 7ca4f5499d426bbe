-- An event that was understood and then refused (by the catalogue's schema, for example) is kept as it would have been
-- stored, so that it can be replayed.
alter table rejected_events
    add column event jsonb,             -- null: not understood, raw is all there is
    add column replayed_at timestamptz; -- null: not stored since
