-- The parts of an index on a property that belong to no whole: schema and name.
select namespace.nspname, part.relname
from pg_inherits
join pg_index on pg_index.indrelid = pg_inherits.inhrelid
join pg_class part on part.oid = pg_index.indexrelid
join pg_namespace namespace on namespace.oid = part.relnamespace
where pg_inherits.inhparent = 'events'::regclass
  and right(part.relname, length(%(suffix)s)) = %(suffix)s and not part.relispartition
