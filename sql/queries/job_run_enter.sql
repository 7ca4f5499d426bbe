-- Enters a run that is due, unless it is known. With supersede, it takes the place of earlier ones that nobody began.
with superseded as (
    update job_runs
    set ended_at = %(now)s, outcome = 'skipped', error = 'A later run took its place.'
    where %(supersede)s and job = %(job)s and due_at < %(due_at)s and ended_at is null and attempts = 0
)
insert into job_runs (job, due_at, send_after) values (%(job)s, %(due_at)s, %(now)s)
on conflict do nothing
