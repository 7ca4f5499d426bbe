-- The time of the event that has so many newer ones in [since, until); none when there are fewer. With a path, only events
-- count that its property index names for the value.
select ts
from events
where project_id = %(project_id)s and ts >= %(since)s and ts < %(until)s
  and (%(path)s::text[] is null
       or jsonb_hash_extended(properties #> %(path)s::text[], 0) = jsonb_hash_extended(%(wanted)s::jsonb, 0))
order by ts desc
offset %(rows)s
limit 1
