-- The hours in [since, until) in which a project has events of some users or anonymous ids, the newest first.
select distinct bucket
from users_by_hour
where project_id = %(project_id)s and bucket >= %(since)s and bucket < %(until)s
  and user_id = any (%(names)s::text[])
order by bucket desc
limit %(limit)s
