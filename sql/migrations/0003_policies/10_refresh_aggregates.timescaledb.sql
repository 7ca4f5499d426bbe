select add_continuous_aggregate_policy('events_by_minute', start_offset => null, end_offset => interval '2 minutes',
                                       schedule_interval => interval '2 seconds', buckets_per_batch => 1440);
select add_continuous_aggregate_policy('pages_by_minute', start_offset => null, end_offset => interval '2 minutes',
                                       schedule_interval => interval '2 seconds', buckets_per_batch => 1440);
select add_continuous_aggregate_policy('events_by_hour', start_offset => null, end_offset => interval '10 minutes',
                                       schedule_interval => interval '2 seconds', buckets_per_batch => 720);
select add_continuous_aggregate_policy('pages_by_hour', start_offset => null, end_offset => interval '10 minutes',
                                       schedule_interval => interval '2 seconds', buckets_per_batch => 720);
select add_continuous_aggregate_policy('users_by_hour', start_offset => null, end_offset => interval '10 minutes',
                                       schedule_interval => interval '2 seconds', buckets_per_batch => 720);
select add_continuous_aggregate_policy('events_by_day', start_offset => null, end_offset => interval '1 hour',
                                       schedule_interval => interval '2 seconds', buckets_per_batch => 360);
select add_continuous_aggregate_policy('pages_by_day', start_offset => null, end_offset => interval '1 hour',
                                       schedule_interval => interval '2 seconds', buckets_per_batch => 360);
select add_continuous_aggregate_policy('users_by_day', start_offset => null, end_offset => interval '1 hour',
                                       schedule_interval => interval '2 seconds', buckets_per_batch => 360);
