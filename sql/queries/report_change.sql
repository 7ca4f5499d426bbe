-- A report changed, if it still is of a version.
update reports
set name = %(name)s, definition = %(definition)s, for_viewers = %(for_viewers)s, version = version + 1, changed_at = %(now)s
where project_id = %(project_id)s and report_id = %(report_id)s and version = %(version)s
returning report_id, project_id, owner_id, name, definition, for_viewers, version, created_at, changed_at
