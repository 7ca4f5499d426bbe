-- A new schedule of a report.
insert into report_schedules
    (report_id, every, on_day, at_hour, time_zone, format, recipients, paused, due_at)
values (%(report_id)s, %(every)s, %(on_day)s, %(at_hour)s, %(time_zone)s, %(format)s, %(recipients)s::uuid[], %(paused)s,
        %(due_at)s)
returning schedule_id
