-- Materialises a time of an aggregate (timescaledb engine only). Not in a transaction.
call refresh_continuous_aggregate(%(aggregate)s::regclass, %(start)s::timestamptz, %(end)s::timestamptz)
