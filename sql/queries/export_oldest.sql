-- The time of the oldest event of [since, until); none when there is none.
select ts
from events
where project_id = %(project_id)s and ts >= %(since)s and ts < %(until)s
order by ts
limit 1
