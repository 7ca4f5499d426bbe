-- How many events the planner expects to pass a filter: "Plan Rows" of the outermost node.
explain (format json)
select
from matching_events(
    %(project_id)s, %(since)s, %(until)s, %(behind_ts)s, %(behind_id)s,
    %(event_types)s::text[], %(user_id)s, %(persons)s::text[], %(anonymous_id)s, %(session_id)s, %(device_id)s,
    %(page_url)s, %(page_prefix)s,
    %(path_1)s::text[], %(operator_1)s, %(wanted_1)s::jsonb,
    %(path_2)s::text[], %(operator_2)s, %(wanted_2)s::jsonb,
    %(path_3)s::text[], %(operator_3)s, %(wanted_3)s::jsonb,
    %(path_4)s::text[], %(operator_4)s, %(wanted_4)s::jsonb,
    %(path_5)s::text[], %(operator_5)s, %(wanted_5)s::jsonb)
