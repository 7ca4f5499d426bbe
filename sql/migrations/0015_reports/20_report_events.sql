-- A property as a number; null when it is none, or of a size that a double precision cannot hold.
create function report_number(properties jsonb, path text[]) returns numeric
language sql immutable parallel safe
return case when jsonb_typeof(properties #> path) = 'number' then
    case when abs((properties #> path)::numeric) < 1e-290 then 0
         when abs((properties #> path)::numeric) < 1e290 then (properties #> path)::numeric
    end
end;

-- What events are grouped by, when it is a property or a trait. Long texts are cut, lists and objects are their text;
-- what is not there is null, as null itself is. Stable, since to_jsonb is: else it would not be put in place of its call.
create function report_value(properties jsonb, path text[]) returns jsonb
language sql stable parallel safe
return case jsonb_typeof(properties #> path)
    when 'string' then to_jsonb(left(properties #>> path, 200))
    when 'array' then to_jsonb(left(properties #>> path, 200))
    when 'object' then to_jsonb(left(properties #>> path, 200))
    when 'null' then null
    else properties #> path
end;

-- What a report looks at of each event that passes its filter.
--   point   in which part of time it lies: the number of the last of `starts` that is not after it, from 1 on
--   key     what it is grouped by, a list of as many values as there are groupings: event_type, page, property or
--           segment (a trait of its user, as it is now); path: where property or trait lie
--   person  the user, or else the anonymous visitor
--   session sessions are told apart as active sessions are: without an id there is one for each person
--   number  the property that is measured
-- A plain query in one function, as matching_events is: what the parameters do not ask for, the planner leaves out.
create function report_events(
    of_project integer, from_time timestamptz, to_time timestamptz,
    of_types text[], of_user text, of_anonymous text, of_session text, of_device text, of_page text, page_start text,
    path_1 text[], operator_1 text, wanted_1 jsonb,
    path_2 text[], operator_2 text, wanted_2 jsonb,
    path_3 text[], operator_3 text, wanted_3 jsonb,
    path_4 text[], operator_4 text, wanted_4 jsonb,
    path_5 text[], operator_5 text, wanted_5 jsonb,
    starts timestamptz[], group_1 text, group_path_1 text[], group_2 text, group_path_2 text[], number_path text[])
returns table (point integer, key jsonb, person text, session text, number numeric)
language sql stable as $$
    select
        width_bucket(ts, starts),
        case when group_1 is null then '[]'
             when group_2 is null then jsonb_build_array(first_value)
             else jsonb_build_array(first_value, second_value) end,
        coalesce(user_id, anonymous_id),
        case when coalesce(session_id, '') = '' then 'of ' || coalesce(user_id, anonymous_id, '')
             else 'id ' || session_id end,
        case when number_path is not null then report_number(properties, number_path) end
    from (
        select *,
            case group_1
                when 'event_type' then to_jsonb(event_type)
                when 'page' then to_jsonb(page_url)
                when 'property' then report_value(properties, group_path_1)
                when 'segment' then (
                    select report_value(traits, group_path_1) from users
                    where users.project_id = of_project and users.user_id = matching_events.user_id)
            end as first_value,
            case group_2
                when 'event_type' then to_jsonb(event_type)
                when 'page' then to_jsonb(page_url)
                when 'property' then report_value(properties, group_path_2)
                when 'segment' then (
                    select report_value(traits, group_path_2) from users
                    where users.project_id = of_project and users.user_id = matching_events.user_id)
            end as second_value
        from matching_events(
            of_project, from_time, to_time, null, null,
            of_types, of_user, null, of_anonymous, of_session, of_device, of_page, page_start,
            path_1, operator_1, wanted_1, path_2, operator_2, wanted_2, path_3, operator_3, wanted_3,
            path_4, operator_4, wanted_4, path_5, operator_5, wanted_5)
    ) as passing
$$;
