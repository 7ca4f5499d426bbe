-- What absence watches look for: (number, counted) of each wanted count, the sum of segments [first, stop) between edges.
with counted as materialized (
    select source, project_id, key, segment, events
    from events_between(
        %(type_projects)s::integer[], %(type_starts)s::timestamptz[],
        %(page_projects)s::integer[], %(page_starts)s::timestamptz[],
        %(edges)s::timestamptz[], %(since)s, %(until)s)
)
select wanted.number, coalesce(sum(counted.events), 0)::bigint
from jsonb_to_recordset(%(wanted)s::jsonb) as wanted (
    number integer, source text, project_id integer, key text, first integer, stop integer)
left join counted
    on counted.source = wanted.source and counted.project_id = wanted.project_id and counted.key = wanted.key
   and counted.segment >= wanted.first and counted.segment < wanted.stop
group by wanted.number
