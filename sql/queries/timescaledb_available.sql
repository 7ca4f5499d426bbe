-- Whether this server can give us TimescaleDB.
select 1 from pg_available_extensions where name = 'timescaledb'
