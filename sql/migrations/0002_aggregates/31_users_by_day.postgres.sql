-- Events per day and user. A view on the hours: distinct users of a day are found among at most 24 rows of each,
-- while a table of its own would cost a row's update for nearly every event (docs/benchmarks.md).
create view users_by_day as
select project_id, time_bucket('1 day', bucket) as bucket, user_id, sum(events)::bigint as events
from users_by_hour
group by project_id, time_bucket('1 day', bucket), user_id;
