-- The schedule that has been due longest and that nobody else has at the moment, held until the transaction ends.
select schedule_id, report_id, project_id, every, on_day, at_hour, time_zone, format, recipients, paused, due_at
from report_schedules join reports using (report_id)
where not paused and due_at <= %(now)s
order by due_at, schedule_id
limit 1
for update of report_schedules skip locked
