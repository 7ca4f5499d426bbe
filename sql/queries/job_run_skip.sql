-- Enters a run whose time was missed and which is not made up for.
insert into job_runs (job, due_at, send_after, ended_at, outcome, error)
values (%(job)s, %(due_at)s, %(now)s, %(now)s, 'skipped', 'Nobody led the schedule at its time.')
on conflict do nothing
