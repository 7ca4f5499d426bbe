-- Watches of a project behind a cursor, the oldest first: those of an account and the project's own, or everybody's.
select *
from current_watches
where project_id = %(project_id)s
  and (%(everybodys)s or account_id is null or account_id = %(account_id)s)
  and (%(cursor)s::bigint is null or watch_id > %(cursor)s)
order by watch_id
limit %(limit)s
