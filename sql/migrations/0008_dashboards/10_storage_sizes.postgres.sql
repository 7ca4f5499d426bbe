-- What each table takes on disk, in bytes: its rows (with TOAST), its indexes, all of it. partitions is null for a table
-- without any. Nothing is compressed on this engine, so the last two columns are null.
create view storage_sizes as
select named.relname::text as relation,
       nullif(count(part.inhrelid), 0) as partitions,
       sum(pg_table_size(coalesce(part.inhrelid, named.oid)))::bigint as table_bytes,
       sum(pg_indexes_size(coalesce(part.inhrelid, named.oid)))::bigint as index_bytes,
       sum(pg_total_relation_size(coalesce(part.inhrelid, named.oid)))::bigint as total_bytes,
       null::bigint as compressed_before_bytes,
       null::bigint as compressed_after_bytes
from pg_class named
left join pg_inherits part on part.inhparent = named.oid
where named.relnamespace = (select relnamespace from pg_class where oid = 'events'::regclass)
  and named.relkind in ('r', 'p')
  and not named.relispartition
group by named.oid, named.relname;
