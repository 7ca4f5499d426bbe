-- Of each job the oldest open run, where its message is to be sent, for the first time or again, marked as sent. Not of a
-- job that somebody works on, who holds its lock (try_lock.sql; PostgreSQL's documentation of pg_locks has the key's form).
with oldest as materialized (
    select distinct on (job) job, due_at, send_after
    from job_runs
    where ended_at is null
    order by job, due_at
)
update job_runs
set sent_at = %(now)s, send_after = %(again_at)s
from oldest
where oldest.send_after <= %(now)s
  and oldest.job <> all (%(not_now)s::text[])
  and job_runs.job = oldest.job and job_runs.due_at = oldest.due_at and job_runs.ended_at is null
  and not exists (
      select from pg_locks
      where locktype = 'advisory' and granted and objsubid = 1
        and database = (select oid from pg_database where datname = current_database())
        and (classid::bigint << 32 | objid::bigint) = hashtext('beatline job ' || oldest.job)
  )
returning job_runs.job, job_runs.due_at
