-- Located events by cell: degrees rounded to the digits of the variable cell, the fullest cells first. The path takes
-- numbers within the globe only; rounding in numeric takes whatever number JSON can hold.
select round((properties ->> 'latitude')::numeric, ${cell:sqlstring})::float8 as latitude,
       round((properties ->> 'longitude')::numeric, ${cell:sqlstring})::float8 as longitude,
       count(*) as events,
       count(distinct coalesce(user_id, anonymous_id)) as users
from events
where project_id = ${project:sqlstring}
  and $__timeFilter(ts)
  and event_type = 'location'
  and (${user:sqlstring} = '' or coalesce(user_id, anonymous_id) = ${user:sqlstring})
  and properties @@ 'strict $.latitude >= -90 && $.latitude <= 90 && $.longitude >= -180 && $.longitude <= 180'
group by 1, 2
order by events desc, 1, 2
limit 2000
