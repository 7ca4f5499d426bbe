-- The schedules of a report, or the one with an id, each with the last time it was due.
select schedule_id, report_id, every, on_day, at_hour, time_zone, format, recipients, paused,
       report_schedules.due_at,
       last.due_at as last_due_at, last.export_id as last_export_id, last.error as last_error
from report_schedules
left join lateral (
    select report_runs.due_at, export_id, error from report_runs
    where report_runs.schedule_id = report_schedules.schedule_id
    order by report_runs.due_at desc
    limit 1
) as last on true
where report_id = %(report_id)s and (%(schedule_id)s::integer is null or schedule_id = %(schedule_id)s)
order by schedule_id
