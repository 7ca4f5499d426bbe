-- What is known of a day of a project.
select project_id, day, state, generation, events, bytes, checksum, stored_events, stored_id_sum,
       archived_at, verified_at, dropped_at, held_until, error
from archived_days
where day = %(day)s and project_id = %(project_id)s
