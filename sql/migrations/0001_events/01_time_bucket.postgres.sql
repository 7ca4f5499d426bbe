-- The name and meaning of TimescaleDB's time_bucket, so that one query text serves both engines.
-- Origin 2000-01-03 00:00 UTC (a Monday) is TimescaleDB's own for widths up to weeks.
create function time_bucket(width interval, ts timestamptz) returns timestamptz
language sql immutable parallel safe strict
return date_bin(width, ts, timestamptz '2000-01-03 00:00:00+00');
