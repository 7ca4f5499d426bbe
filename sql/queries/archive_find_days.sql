-- Notes the days that ended before a time and have events, and those of which events came after they were archived.
insert into archived_days as known (day, project_id, counted)
select (bucket at time zone 'UTC')::date, project_id, sum(events)
from events_by_day
where bucket < date_trunc('day', %(ended)s::timestamptz, 'UTC')
group by bucket, project_id
on conflict (day, project_id) do update
set state = case known.state when 'empty' then 'waiting' else 'stale' end
where known.state in ('verified', 'empty') and known.counted is distinct from excluded.counted
