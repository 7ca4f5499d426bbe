-- Chunks older than a week become columns: a fraction of the size, and long scans read only the columns they need.
-- Segments are what queries filter by; within one, newest first as the index has them. Events may still come into such
-- a chunk: they wait in rows until the policy, which runs twice a day, converts them too.
alter table events set (
    timescaledb.enable_columnstore,
    timescaledb.segmentby = 'project_id, event_type',
    timescaledb.orderby = 'ts desc'
);

call add_columnstore_policy('events', after => interval '7 days');
