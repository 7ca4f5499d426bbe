-- Days of the archive, the youngest first, from a place on.
select project_id, day, state, generation, events, bytes, checksum, stored_events, stored_id_sum,
       archived_at, verified_at, dropped_at, held_until, error
from archived_days
where (%(of_project)s::integer is null or project_id = %(of_project)s)
  and (%(state)s::text is null or state = %(state)s)
  and (%(behind_day)s::date is null or (day, project_id) < (%(behind_day)s, %(behind_project)s::integer))
order by day desc, project_id desc
limit %(limit)s
