-- Ends a run, well or for good.
update job_runs
set ended_at = %(now)s, outcome = %(outcome)s, error = %(error)s
where job = %(job)s and due_at = %(due_at)s and ended_at is null
