-- The groups of a report with the highest measure, the highest first.
select found.key::text,
       case %(measure)s::text
           when 'count' then count(*)::double precision
           when 'users' then count(distinct person)::double precision
           when 'sessions' then count(distinct session)::double precision
           when 'sum' then coalesce(sum(number), 0)::double precision
           when 'average' then avg(number)::double precision
           when 'minimum' then min(number)::double precision
           when 'maximum' then max(number)::double precision
           when 'percentile' then
               percentile_cont(%(fraction)s::double precision) within group (order by number::double precision)
       end as measured
from report_events(
        %(project_id)s, %(since)s, %(until)s,
        %(event_types)s::text[], %(user_id)s, %(anonymous_id)s, %(session_id)s, %(device_id)s,
        %(page_url)s, %(page_prefix)s,
        %(path_1)s::text[], %(operator_1)s, %(wanted_1)s::jsonb,
        %(path_2)s::text[], %(operator_2)s, %(wanted_2)s::jsonb,
        %(path_3)s::text[], %(operator_3)s, %(wanted_3)s::jsonb,
        %(path_4)s::text[], %(operator_4)s, %(wanted_4)s::jsonb,
        %(path_5)s::text[], %(operator_5)s, %(wanted_5)s::jsonb,
        %(starts)s::timestamptz[], %(group_1)s, %(group_path_1)s::text[], %(group_2)s, %(group_path_2)s::text[],
        %(number_path)s::text[]) as found
group by found.key
order by measured desc nulls last, found.key::text collate "C"
limit %(limit)s
