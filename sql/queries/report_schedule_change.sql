-- A schedule of a report changed.
update report_schedules
set every = %(every)s, on_day = %(on_day)s, at_hour = %(at_hour)s, time_zone = %(time_zone)s, format = %(format)s,
    recipients = %(recipients)s::uuid[], paused = %(paused)s, due_at = %(due_at)s
where report_id = %(report_id)s and schedule_id = %(schedule_id)s
returning schedule_id
