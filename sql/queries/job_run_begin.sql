-- Begins an attempt at a run; no row when the run has ended.
update job_runs
set attempts = attempts + 1, started_at = %(now)s
where job = %(job)s and due_at = %(due_at)s and ended_at is null
returning attempts, failures
