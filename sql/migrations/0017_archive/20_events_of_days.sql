-- What `events` has of each project and UTC day in [since, until), of one project or all: how many events, and the sum
-- of their ids' lower 64 bits as signed numbers, which tells whether they are the same ones.
create function events_of_days(since timestamptz, until timestamptz, of_project integer default null)
returns table (project_id integer, day date, events bigint, id_sum numeric)
language sql stable as $$
    select project_id, (ts at time zone 'UTC')::date, count(*),
           sum(('x' || substr(event_id::text, 20, 4) || substr(event_id::text, 25))::bit(64)::bigint)
    from events
    where ts >= since and ts < until and (of_project is null or project_id = of_project)
    group by 1, 2
$$;

-- Where days in [since, until) differ from what was archived of them: events that are not archived for certain, or a
-- restored day that is still held. Nothing may be dropped then.
create function archive_gaps(since timestamptz, until timestamptz, at timestamptz)
returns table (project_id integer, day date)
language sql stable as $$
    select project_id, day
    from events_of_days(since, until) as stored
    full join (
        select * from archived_days
        where day >= (since at time zone 'UTC')::date and day < (until at time zone 'UTC')::date
    ) as known using (project_id, day)
    where known.held_until > at
       or stored.events > 0
          and (known.state is distinct from 'verified'
               or known.stored_events is distinct from stored.events
               or known.stored_id_sum is distinct from stored.id_sum)
$$;
