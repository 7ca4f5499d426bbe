-- A day is archived, was read back, and has all that the database had of it.
insert into archived_days as known (day, project_id, state, generation, events, bytes, checksum, counted,
                                    stored_events, stored_id_sum, archived_at, tried_at, verified_at)
values (%(day)s, %(project_id)s, 'verified', %(generation)s, %(events)s, %(bytes)s, %(checksum)s, %(counted)s,
        %(stored_events)s, %(stored_id_sum)s, %(archived_at)s, %(now)s, %(now)s)
on conflict (day, project_id) do update
set state = 'verified', generation = excluded.generation, events = excluded.events, bytes = excluded.bytes,
    checksum = excluded.checksum, counted = excluded.counted, stored_events = excluded.stored_events,
    stored_id_sum = excluded.stored_id_sum, archived_at = excluded.archived_at, tried_at = excluded.tried_at,
    verified_at = excluded.verified_at, error = null
