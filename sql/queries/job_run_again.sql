-- Notes that an attempt at a run failed, and when the next one is.
update job_runs
set failures = failures + 1, error = %(error)s, send_after = %(send_after)s
where job = %(job)s and due_at = %(due_at)s and ended_at is null
