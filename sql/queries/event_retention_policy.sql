-- The retention policy of events, if there is one (timescaledb engine).
select job_id from timescaledb_information.jobs
where proc_name = 'policy_retention' and hypertable_name = 'events'
