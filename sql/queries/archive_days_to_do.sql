-- Days to archive, the oldest first. What was tried is tried again after a day: late events come one by one, and a
-- large day is not to be written for each of them. What is damaged and dropped nobody can write again.
select project_id, day
from archived_days
where state = 'waiting'
   or (state = 'stale' or state = 'damaged' and dropped_at is null)
      and (tried_at is null or tried_at <= %(now)s - interval '1 day')
order by day, project_id
limit 10000
