-- Notes a message that failed for good, or that it did so again.
insert into dead_letters as known (queue, actor, arguments, error, traceback, first_at, at)
values (%(queue)s, %(actor)s, %(arguments)s::jsonb, %(error)s, %(traceback)s, %(now)s, %(now)s)
on conflict (actor, arguments) do update
set queue = excluded.queue, error = excluded.error, traceback = excluded.traceback, at = excluded.at,
    times = known.times + 1
