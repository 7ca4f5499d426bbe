-- Notes that a schedule was due; no row when that is known.
insert into report_runs (schedule_id, due_at, ran_at) values (%(schedule_id)s, %(due_at)s, %(now)s)
on conflict (schedule_id, due_at) do nothing
returning schedule_id
