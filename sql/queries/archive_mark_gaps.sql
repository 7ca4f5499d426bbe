-- Notes the days in [since, until) that have other events than were archived; returns which.
insert into archived_days as known (day, project_id)
select day, project_id from archive_gaps(%(since)s, %(until)s, %(now)s)
on conflict (day, project_id) do update
set state = case known.state when 'verified' then 'stale' when 'empty' then 'waiting' else known.state end
returning project_id, day
