-- How many exports of a project are waiting or running: all, and those of an account.
select count(*), count(*) filter (where account_id = %(account_id)s)
from exports
where project_id = %(project_id)s and state in ('waiting', 'running')
