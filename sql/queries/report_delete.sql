-- A report forgotten, with its schedules.
delete from reports where project_id = %(project_id)s and report_id = %(report_id)s returning report_id
