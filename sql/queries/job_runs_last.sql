-- When each of some jobs was due the last time; jobs that never were are left out.
select job, last.due_at
from unnest(%(jobs)s::text[]) as job
cross join lateral (
    select due_at from job_runs where job_runs.job = job.job order by due_at desc limit 1
) as last
