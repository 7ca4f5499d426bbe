-- Let refreshes from raw events reach back no further than retention of so many days, null for none (timescaledb engine).
-- A refresh over dropped days would erase them from the aggregates. The reach is never widened again, when retention is
-- lengthened or removed, since the dropped days stay dropped: an import of older events then has to be refreshed by
-- hand, with refresh_continuous_aggregate(aggregate, start, end) for the imported days only.
select alter_job(job_id, config => config || jsonb_build_object('start_offset', reach))
from (
    select jobs.job_id,
           jobs.config,
           least((jobs.config ->> 'start_offset')::interval, make_interval(days => %(days)s)) as reach
    from timescaledb_information.jobs
    join timescaledb_information.continuous_aggregates
        on jobs.hypertable_name in (view_name, materialization_hypertable_name)
    where jobs.proc_name = 'policy_refresh_continuous_aggregate'
      and continuous_aggregates.hypertable_name = 'events'
) as policy
