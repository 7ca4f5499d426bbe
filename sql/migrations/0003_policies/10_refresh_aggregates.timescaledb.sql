-- Refresh policies: bring each aggregate up to date with events that came late. Younger events need no refresh, they are
-- read from the aggregate's source at query time.
--
-- every 2 s   An event that comes late into an hour that is materialised has to pass three policies, one after the other
--             (minute, hour, day), in at most 10 s. A run without late events takes some milliseconds.
-- delay       end_offset: how late an event may be and still count at once. Hours and days wait longer than the level they
--             are made from, so that no bucket is materialised before its parts are.
-- batch       Buckets of one transaction when much is to be done (an import): a day of minutes, a month of hours, a year
--             of days. The default of 1 bucket would make a transaction of every minute.
-- no start    start_offset is null: an event of any age is counted, an import of last year too. Once retention is on,
--             sql/queries/limit_refresh_to_retention.sql sets it, else a refresh would see the dropped days as empty.
--
-- A refresh recomputes all buckets between the oldest and the youngest late event of one transaction. Writers should not
-- put events of far apart times into one transaction (measured: 5.3 s against 0.2 s for 200,000 events of 30 days).
select add_continuous_aggregate_policy(aggregate::regclass,
                                       start_offset      => null::interval,
                                       end_offset        => delay,
                                       schedule_interval => interval '2 seconds',
                                       buckets_per_batch => batch)
from (values ('events_by_minute', interval '2 minutes',  1440),
             ('pages_by_minute',  interval '2 minutes',  1440),
             ('events_by_hour',   interval '10 minutes', 720),
             ('pages_by_hour',    interval '10 minutes', 720),
             ('users_by_hour',    interval '10 minutes', 720),
             ('events_by_day',    interval '1 hour',     360),
             ('pages_by_day',     interval '1 hour',     360),
             ('users_by_day',     interval '1 hour',     360)) as policy (aggregate, delay, batch);
