-- How current each aggregate is at a time. Triggers count an event in its own transaction, so nothing is ever behind:
-- what could be wrong shows as a gap (null: not compared).
create function aggregate_freshness_at(at timestamptz)
returns table (aggregate text, materialized_to timestamptz, behind_seconds double precision, gap_events bigint)
language sql stable as $$
    select known.aggregate, at, 0::double precision, gaps.gap_events
    from (values ('events_by_minute'), ('events_by_hour'), ('events_by_day'),
                 ('pages_by_minute'), ('pages_by_hour'), ('pages_by_day'),
                 ('users_by_hour'), ('users_by_day')) as known (aggregate)
    left join aggregate_gaps(at) as gaps using (aggregate)
$$;

create view aggregate_freshness as select * from aggregate_freshness_at(now());
