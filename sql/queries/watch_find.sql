-- One watch of a project, among those of an account and the project's own, or everybody's.
select *
from current_watches
where project_id = %(project_id)s and watch_id = %(watch_id)s
  and (%(everybodys)s or account_id is null or account_id = %(account_id)s)
