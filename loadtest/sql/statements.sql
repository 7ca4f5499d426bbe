-- What each statement of this database has cost until now; times in milliseconds.
select queryid::text as id, min(query) as query, sum(calls)::bigint as calls, sum(total_exec_time) as ms,
       sum(rows)::bigint as rows, sum(wal_bytes)::bigint as wal_bytes
from pg_stat_statements
where dbid = (select oid from pg_database where datname = current_database())
group by queryid
