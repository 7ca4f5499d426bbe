-- Exports of a project behind a place, the newest first: everybody's, or those of an account; of them those for which the
-- permissions suffice.
select *
from exports
where project_id = %(project_id)s
  and (%(everybodys)s or account_id = %(account_id)s or %(account_id)s = any (recipients))
  and permission = any (%(permissions)s)
  and (%(behind_at)s::timestamptz is null or (requested_at, export_id) < (%(behind_at)s, %(behind_id)s::uuid))
order by requested_at desc, export_id desc
limit %(limit)s
