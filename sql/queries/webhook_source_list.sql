-- Every source of webhooks with its project's name.
select source, project_id, projects.name as project, kind, webhook_sources.paused, webhook_sources.created_at
from webhook_sources join projects using (project_id)
order by source
