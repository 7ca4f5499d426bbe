-- A day is being restored: retention leaves it alone until a time.
insert into archived_days as known (day, project_id, held_until)
values (%(day)s, %(project_id)s, %(held_until)s)
on conflict (day, project_id) do update set held_until = greatest(known.held_until, excluded.held_until)
