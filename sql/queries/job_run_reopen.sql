-- Opens a run that failed for good: it is sent and tried again.
update job_runs
set ended_at = null, outcome = null, attempts = 0, failures = 0, send_after = %(now)s
where job = %(job)s and due_at = %(due_at)s and outcome = 'failed'
