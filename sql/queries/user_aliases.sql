-- The anonymous ids that were merged into a user, the newest first.
select anonymous_id
from user_aliases
where project_id = %(project_id)s and user_id = %(user_id)s
order by merged_at desc, anonymous_id
limit %(limit)s
