-- The projects to choose from, the oldest first.
select name as __text, project_id::text as __value
from projects
order by project_id
