-- What is known of the days in [first, end), of all projects.
select project_id, day, state, generation, events, bytes, checksum, stored_events, stored_id_sum,
       archived_at, verified_at, dropped_at, held_until, error
from archived_days
where day >= (%(since)s::timestamptz at time zone 'UTC')::date
  and day < (%(until)s::timestamptz at time zone 'UTC')::date
order by day, project_id
