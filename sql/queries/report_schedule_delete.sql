-- A schedule of a report forgotten, with its runs.
delete from report_schedules where report_id = %(report_id)s and schedule_id = %(schedule_id)s returning schedule_id
