-- The latest located events: degrees, and metres of accuracy where they are told.
select ts as "time",
       coalesce(user_id, anonymous_id, '') as "user",
       coalesce(session_id, '') as "session",
       round((properties ->> 'latitude')::numeric, 6)::float8 as latitude,
       round((properties ->> 'longitude')::numeric, 6)::float8 as longitude,
       case when properties @@ 'strict $.accuracy >= 0 && $.accuracy <= 100000000'
            then round((properties ->> 'accuracy')::numeric, 1)::float8 end as accuracy
from events
where project_id = ${project:sqlstring}
  and $__timeFilter(ts)
  and event_type = 'location'
  and (${user:sqlstring} = '' or coalesce(user_id, anonymous_id) = ${user:sqlstring})
  and properties @@ 'strict $.latitude >= -90 && $.latitude <= 90 && $.longitude >= -180 && $.longitude <= 180'
order by ts desc
limit 500
