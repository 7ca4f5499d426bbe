-- What the whole database takes on disk, in bytes.
select pg_database_size(current_database()) as bytes
