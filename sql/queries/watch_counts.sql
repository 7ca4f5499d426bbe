-- How many watches a project has, and how many of them an account.
select count(*), count(*) filter (where account_id = %(account_id)s)
from watches
where project_id = %(project_id)s
