-- The properties of a project that have an index, and from when on it is of use: what TimescaleDB has converted into
-- columns has no such index, and the policy of sql/migrations/0003_policies converts what is older than a week.
select path,
       case engine when 'timescaledb' then %(now)s::timestamptz - interval '7 days' else '1970-01-01 00:00:00+00' end
from property_indexes, installation
where project_id = %(project_id)s and state = 'ready'
order by index_id
