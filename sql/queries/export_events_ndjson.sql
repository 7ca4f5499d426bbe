-- Events that pass a filter, the newest first, as JSON, one a line. Only the CSV format of COPY leaves backslashes alone;
-- JSON writes control characters as \u0001, so nothing is ever quoted.
copy (
    select row_to_json(event)
    from (
        select event_id, ts, received_at, event_type, user_id, anonymous_id, session_id, device_id, page_url,
               app_version, os_name, os_version, properties
        from matching_events(
            %(project_id)s, %(since)s, %(until)s, %(behind_ts)s, %(behind_id)s,
            %(event_types)s::text[], %(user_id)s, %(persons)s::text[], %(anonymous_id)s, %(session_id)s, %(device_id)s,
            %(page_url)s, %(page_prefix)s,
            %(path_1)s::text[], %(operator_1)s, %(wanted_1)s::jsonb,
            %(path_2)s::text[], %(operator_2)s, %(wanted_2)s::jsonb,
            %(path_3)s::text[], %(operator_3)s, %(wanted_3)s::jsonb,
            %(path_4)s::text[], %(operator_4)s, %(wanted_4)s::jsonb,
            %(path_5)s::text[], %(operator_5)s, %(wanted_5)s::jsonb)
        order by ts desc, event_id desc
    ) as event
) to stdout (format csv, quote E'\x01', delimiter E'\x02')
