-- The accounts with a role in a project, or in all of them.
select distinct account_id
from accounts join account_roles using (account_id)
where not disabled and (project_id = %(project_id)s or project_id is null)
