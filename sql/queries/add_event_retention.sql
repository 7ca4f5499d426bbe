-- Drop raw events of days that ended more than so many days ago, hourly (timescaledb engine). Run limit_refresh_to_retention
-- before, in the same transaction. The hour more keeps a refresh that is just running away from what is dropped.
select add_retention_policy('events', drop_after => make_interval(days => %(days)s, hours => 1),
                            schedule_interval => interval '1 hour')
