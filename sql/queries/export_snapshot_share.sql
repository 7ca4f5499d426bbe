-- The name by which other connections read what this transaction sees, as long as it lasts.
select pg_export_snapshot()
