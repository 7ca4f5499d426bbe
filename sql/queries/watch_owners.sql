-- Who has watches of their own and may sign in, with their roles.
select account_id, json_agg(json_build_array(project_id, role))
from accounts join account_roles using (account_id)
where not disabled and account_id in (select account_id from watches where enabled)
group by account_id
