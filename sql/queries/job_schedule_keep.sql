-- Forgets jobs that the schedule has no more, and gives up their open runs.
with gone as (
    delete from job_schedule where job <> all (%(jobs)s::text[])
)
update job_runs
set ended_at = %(now)s, outcome = 'skipped', error = 'The schedule has no such job any more.'
where ended_at is null and job <> all (%(jobs)s::text[])
