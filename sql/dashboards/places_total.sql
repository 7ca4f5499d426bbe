-- Located events of the time range, who was located, and the median accuracy in metres.
select count(*) as events,
       count(distinct coalesce(user_id, anonymous_id)) as users,
       percentile_cont(0.5) within group (
           order by case when properties @@ 'strict $.accuracy >= 0 && $.accuracy <= 100000000'
                         then round((properties ->> 'accuracy')::numeric, 1)::float8 end) as accuracy
from events
where project_id = ${project:sqlstring}
  and $__timeFilter(ts)
  and event_type = 'location'
  and (${user:sqlstring} = '' or coalesce(user_id, anonymous_id) = ${user:sqlstring})
  and properties @@ 'strict $.latitude >= -90 && $.latitude <= 90 && $.longitude >= -180 && $.longitude <= 180'
