-- Forgets runs that were due before a time, but for each job's last one and those that are open; and dead letters that
-- failed before another.
with trimmed as (
    delete from dead_letters where at < %(dead_before)s and send_asked_at is null
)
delete from job_runs
where due_at < %(before)s and ended_at is not null
  and exists (select from job_runs as later where later.job = job_runs.job and later.due_at > job_runs.due_at)
