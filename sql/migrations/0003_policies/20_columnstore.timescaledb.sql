alter table events set (
    timescaledb.enable_columnstore,
    timescaledb.segmentby = 'project_id, event_type',
    timescaledb.orderby = 'ts desc'
);
call add_columnstore_policy('events', after => interval '7 days');
