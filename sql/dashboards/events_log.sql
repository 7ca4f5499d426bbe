-- The newest events that pass all filters; an empty text filters nothing. Grafana's sqlstring puts a \ before each ".
select ts as "time", event_type as "type",
       coalesce(user_id, anonymous_id, '') as "user",
       coalesce(session_id, '') as "session",
       coalesce(page_url, '') as "page",
       left(properties::text, 4000) as "properties",
       extract(epoch from received_at - ts)::float8 as "delay",
       event_id::text as "event id"
from events
cross join (select replace(${value:sqlstring}, '\"', '"') as value) as wanted
where project_id = ${project:sqlstring}
  and $__timeFilter(ts)
  and event_type = any(array[${type:sqlstring}]::text[])
  and (${user:sqlstring} = '' or coalesce(user_id, anonymous_id) = ${user:sqlstring})
  and (${session:sqlstring} = '' or session_id = ${session:sqlstring})
  and (${page:sqlstring} = '' or page_url = ${page:sqlstring})
  and case
          when ${property:sqlstring} = '' then value = '' or strpos(lower(properties::text), lower(value)) > 0
          when ${match:sqlstring} = 'equals' then properties ->> ${property:sqlstring} = value
          else strpos(lower(properties ->> ${property:sqlstring}), lower(value)) > 0
      end
order by ts desc
limit 500
