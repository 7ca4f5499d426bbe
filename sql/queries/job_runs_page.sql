-- Runs of the schedule, those due last first, from a place on.
select job, due_at, sent_at, attempts, failures, started_at, ended_at, outcome, error
from job_runs
where (%(job)s::text is null or job = %(job)s)
  and (%(outcome)s::text is null or outcome = %(outcome)s)
  and (%(behind_at)s::timestamptz is null or (due_at, job) < (%(behind_at)s, %(behind_job)s::text))
order by due_at desc, job desc
limit %(limit)s
