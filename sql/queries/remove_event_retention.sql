-- Keep raw events for ever; nothing to do when they are (timescaledb engine).
select remove_retention_policy('events', if_exists => true)
