-- A new report.
insert into reports (project_id, owner_id, name, definition, for_viewers, created_at, changed_at)
values (%(project_id)s, %(owner_id)s, %(name)s, %(definition)s, %(for_viewers)s, %(now)s, %(now)s)
returning report_id, project_id, owner_id, name, definition, for_viewers, version, created_at, changed_at
