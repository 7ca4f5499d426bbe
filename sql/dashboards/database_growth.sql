-- New events per UTC day and project, of the days that begin in the time range.
select bucket as "time", projects.name as metric, sum(events)::bigint as events
from events_by_day
join projects using (project_id)
where $__timeFilter(bucket)
group by 1, 2
order by 1, 2
