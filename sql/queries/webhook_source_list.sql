-- Every source of webhooks with its project's name.
select source, projects.name as project, kind, webhook_sources.paused, webhook_sources.created_at
from webhook_sources join projects using (project_id)
order by source
