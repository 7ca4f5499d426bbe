-- Lets the aggregates count at least the events of a day of a project that are there (postgres engine).
select count_restored_events(%(project_id)s, %(day)s)
