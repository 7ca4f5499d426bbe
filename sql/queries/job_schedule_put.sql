-- Enters a job of the schedule, or what changed of it.
insert into job_schedule (job, queue, every, past, may_take, missed, recorded)
values (%(job)s, %(queue)s, %(every)s, %(past)s, %(may_take)s, %(missed)s, %(recorded)s)
on conflict (job) do update
set queue = excluded.queue, every = excluded.every, past = excluded.past, may_take = excluded.may_take,
    missed = excluded.missed, recorded = excluded.recorded
where (job_schedule.queue, job_schedule.every, job_schedule.past, job_schedule.may_take, job_schedule.missed,
       job_schedule.recorded)
    is distinct from (excluded.queue, excluded.every, excluded.past, excluded.may_take, excluded.missed,
                      excluded.recorded)
