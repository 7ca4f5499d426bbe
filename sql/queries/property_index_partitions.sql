-- The partitions or chunks of events that have no part of an index yet, the newest first: schema, name, and what is there
-- under the name of that part: null nothing, else whether it is valid. A partition's part has to be attached, too.
select namespace.nspname, child.relname, named.indisvalid
from pg_inherits
join pg_class child on child.oid = pg_inherits.inhrelid
join pg_namespace namespace on namespace.oid = child.relnamespace
left join pg_index named
    on named.indexrelid = to_regclass(format('%%I.%%I', namespace.nspname, child.relname || %(suffix)s))
where pg_inherits.inhparent = 'events'::regclass
  and not exists (
      select
      from pg_index part
      join pg_class on pg_class.oid = part.indexrelid
      left join pg_inherits attached on attached.inhrelid = part.indexrelid
      where part.indrelid = child.oid and part.indisvalid
        and (attached.inhparent = to_regclass(%(name)s)
             or not child.relispartition and right(pg_class.relname, length(%(suffix)s)) = %(suffix)s)
  )
order by child.oid desc
