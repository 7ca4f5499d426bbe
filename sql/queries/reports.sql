-- The saved reports of a project by name, or the one with an id.
select report_id, project_id, owner_id, name, definition, for_viewers, version, created_at, changed_at
from reports
where project_id = %(project_id)s and (%(report_id)s::integer is null or report_id = %(report_id)s)
order by name, report_id
