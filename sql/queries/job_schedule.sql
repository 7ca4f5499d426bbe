-- The schedule with each job's last run, if it has one.
select schedule.job, schedule.queue, schedule.every, schedule.past, schedule.may_take, schedule.missed,
       schedule.recorded, run.due_at, run.sent_at, run.attempts, run.failures, run.started_at, run.ended_at, run.outcome, run.error
from job_schedule as schedule
left join lateral (
    select * from job_runs where job_runs.job = schedule.job order by due_at desc limit 1
) as run on true
order by schedule.every, schedule.job
