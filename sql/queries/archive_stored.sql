-- How many events the database has of a day of a project, and the sum of their ids.
select coalesce(sum(events), 0)::bigint, coalesce(sum(id_sum), 0)
from events_of_days(%(since)s, %(until)s, %(project_id)s)
