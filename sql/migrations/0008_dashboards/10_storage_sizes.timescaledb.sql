-- What each table and aggregate takes on disk, in bytes: its rows (with TOAST), its indexes, all of it, in rows or in
-- columns. partitions is null for a table without chunks or partitions. The last two columns are what the chunks that are
-- columns now took as rows, and what they take; null where no chunk is.
create view storage_sizes as
with hypertable (relation, stored) as (
    select 'events', 'events'::regclass
    union all
    select view_name::text,
           format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)::regclass
    from timescaledb_information.continuous_aggregates
    where view_schema = (select relnamespace::regnamespace::name from pg_class where oid = 'events'::regclass)
)
select hypertable.relation,
       (select count(*) from pg_inherits where inhparent = hypertable.stored) as partitions,
       (size.table_bytes + size.toast_bytes)::bigint as table_bytes,
       size.index_bytes::bigint as index_bytes,
       size.total_bytes::bigint as total_bytes,
       stats.before_compression_total_bytes::bigint as compressed_before_bytes,
       stats.after_compression_total_bytes::bigint as compressed_after_bytes
from hypertable
cross join lateral hypertable_detailed_size(hypertable.stored) as size
left join lateral hypertable_columnstore_stats(hypertable.stored) as stats on true
union all
select named.relname::text,
       nullif(count(part.inhrelid), 0),
       sum(pg_table_size(coalesce(part.inhrelid, named.oid)))::bigint,
       sum(pg_indexes_size(coalesce(part.inhrelid, named.oid)))::bigint,
       sum(pg_total_relation_size(coalesce(part.inhrelid, named.oid)))::bigint,
       null,
       null
from pg_class named
left join pg_inherits part on part.inhparent = named.oid
where named.relnamespace = (select relnamespace from pg_class where oid = 'events'::regclass)
  and named.relkind in ('r', 'p')
  and not named.relispartition
  and named.oid <> 'events'::regclass
group by named.oid, named.relname;
