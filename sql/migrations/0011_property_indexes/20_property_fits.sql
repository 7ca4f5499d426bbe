-- Whether a property passes a filter. The type of the wanted value counts: the text "3" is not the number 3.
--   equals   the property is the value
--   contains a text with the value in it, or a list with the value among its elements
--   exists   true: the property is there, null or not; false: it is not
--   greater, less   a number by its size, a text by its code points
-- The planner reduces this to the one branch. That of equals is what property indexes are made for.
create function property_fits(properties jsonb, path text[], operator text, wanted jsonb) returns boolean
language sql immutable parallel safe
return case operator
    when 'equals' then
        jsonb_hash_extended(properties #> path, 0) = jsonb_hash_extended(wanted, 0) and properties #> path = wanted
    when 'exists' then
        (properties #> path is not null) = (wanted = 'true')
    when 'contains' then
        case jsonb_typeof(properties #> path)
            when 'string' then jsonb_typeof(wanted) = 'string' and strpos(properties #>> path, wanted #>> '{}') > 0
            when 'array' then properties #> path @> wanted
            else false
        end
    when 'greater' then
        jsonb_typeof(properties #> path) = jsonb_typeof(wanted)
        and case jsonb_typeof(wanted)
                when 'number' then properties #> path > wanted
                else (properties #>> path) collate "C" > (wanted #>> '{}') collate "C"
            end
    when 'less' then
        jsonb_typeof(properties #> path) = jsonb_typeof(wanted)
        and case jsonb_typeof(wanted)
                when 'number' then properties #> path < wanted
                else (properties #>> path) collate "C" < (wanted #>> '{}') collate "C"
            end
    else false
end;
