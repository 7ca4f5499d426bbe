-- How current each aggregate is at a time. materialized_to is its watermark, the end of its newest bucket; null while it
-- has none. behind_seconds is for how long its oldest missing bucket has been due: a bucket is due when it is over and
-- the delay of its refresh policy (0003_policies) has passed, and missing when its source has something that counts in
-- it. 0: nothing is missing. gap_events is that of aggregate_gaps (null: not compared).
--
-- Where only some events count, those that became due in the last hour are looked at, so that finding none stays cheap:
-- behind_seconds of pages_by_minute and users_by_hour ends at about an hour.
create function aggregate_freshness_at(at timestamptz)
returns table (aggregate text, materialized_to timestamptz, behind_seconds double precision, gap_events bigint)
language plpgsql stable as $$
declare
    known record;
    due timestamptz;
    missing timestamptz;
begin
    for known in
        select policy.*, gaps.gap_events as gap,
               _timescaledb_functions.to_timestamp(_timescaledb_functions.cagg_watermark(hypertable.id)) as watermark
        from (values
            ('events_by_minute', 'events', 'ts', 'true', interval '1 minute', interval '2 minutes'),
            ('pages_by_minute', 'events', 'ts', $page$event_type in ('view', 'page_view') and page_url is not null$page$,
             interval '1 minute', interval '2 minutes'),
            ('users_by_hour', 'events', 'ts', 'coalesce(user_id, anonymous_id) is not null',
             interval '1 hour', interval '10 minutes'),
            ('events_by_hour', 'events_by_minute', 'bucket', 'true', interval '1 hour', interval '10 minutes'),
            ('pages_by_hour', 'pages_by_minute', 'bucket', 'true', interval '1 hour', interval '10 minutes'),
            ('events_by_day', 'events_by_hour', 'bucket', 'true', interval '1 day', interval '1 hour'),
            ('pages_by_day', 'pages_by_hour', 'bucket', 'true', interval '1 day', interval '1 hour'),
            ('users_by_day', 'users_by_hour', 'bucket', 'true', interval '1 day', interval '1 hour')
        ) as policy (name, source, time_column, counts, width, delay)
        join timescaledb_information.continuous_aggregates as view
            on view.view_name = policy.name
           and view.view_schema = (select relnamespace::regnamespace::name from pg_class where oid = 'events'::regclass)
        join _timescaledb_catalog.hypertable
            on hypertable.schema_name = view.materialization_hypertable_schema
           and hypertable.table_name = view.materialization_hypertable_name
        left join aggregate_gaps(at) as gaps on gaps.aggregate = policy.name
    loop
        due := time_bucket(known.width, at - known.delay);
        execute format(
            'select min(earliest.at) from projects cross join lateral ('
            ' select %1$I as at from %2$I as source where source.project_id = projects.project_id'
            ' and %1$I >= %3$L and %1$I < %4$L and %5$s order by %1$I limit 1) as earliest',
            known.time_column, known.source,
            case when known.counts = 'true' then known.watermark
                 else greatest(known.watermark, due - known.width - interval '1 hour') end,
            due, known.counts)
        into missing;
        aggregate := known.name;
        materialized_to := nullif(known.watermark, timestamptz '4714-11-24 00:00:00+00 BC');
        behind_seconds := coalesce(
            extract(epoch from at - known.delay - known.width - time_bucket(known.width, missing)), 0);
        gap_events := known.gap;
        return next;
    end loop;
end;
$$;

create view aggregate_freshness as select * from aggregate_freshness_at(now());
