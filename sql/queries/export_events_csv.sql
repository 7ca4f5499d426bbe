-- Events that pass a filter, the newest first, as CSV that spreadsheets do not run. Times as JSON has them (ISO 8601).
copy (
    select event_id, btrim(to_json(ts)::text, '"'), btrim(to_json(received_at)::text, '"'),
           spreadsheet_text(event_type), spreadsheet_text(user_id), spreadsheet_text(anonymous_id),
           spreadsheet_text(session_id), spreadsheet_text(device_id), spreadsheet_text(page_url),
           spreadsheet_text(app_version), spreadsheet_text(os_name), spreadsheet_text(os_version),
           -- Of JSON only a number can begin with one of the signs.
           case when jsonb_typeof(properties) = 'number' then spreadsheet_text(properties::text)
                else properties::text end
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
) to stdout (format csv, force_quote *)
