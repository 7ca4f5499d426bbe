-- The events of a project in [from_time, to_time) that come after (behind_ts, behind_id), newest first, and pass a
-- filter; null: any. What pages, exports and estimates share. A plain query in one function, so the planner puts it in
-- place of the call and sees the values: partitions and chunks are excluded, and filters that are null vanish.
create function matching_events(
    of_project integer, from_time timestamptz, to_time timestamptz, behind_ts timestamptz, behind_id uuid,
    of_types text[], of_user text, of_persons text[], of_anonymous text, of_session text, of_device text,
    of_page text, page_start text,
    path_1 text[], operator_1 text, wanted_1 jsonb,
    path_2 text[], operator_2 text, wanted_2 jsonb,
    path_3 text[], operator_3 text, wanted_3 jsonb,
    path_4 text[], operator_4 text, wanted_4 jsonb,
    path_5 text[], operator_5 text, wanted_5 jsonb)
returns setof events language sql stable as $$
    select * from events
    where project_id = of_project and ts >= from_time and ts < to_time
      and (behind_ts is null or (ts, event_id) < (behind_ts, behind_id))
      and (of_types is null or event_type = any (of_types))
      and (of_user is null or user_id = of_user)
      and (of_persons is null or coalesce(user_id, anonymous_id) = any (of_persons))
      and (of_anonymous is null or anonymous_id = of_anonymous)
      and (of_session is null or session_id = of_session)
      and (of_device is null or device_id = of_device)
      and (of_page is null or page_url = of_page)
      and (page_start is null or starts_with(page_url, page_start))
      and (path_1 is null or property_fits(properties, path_1, operator_1, wanted_1))
      and (path_2 is null or property_fits(properties, path_2, operator_2, wanted_2))
      and (path_3 is null or property_fits(properties, path_3, operator_3, wanted_3))
      and (path_4 is null or property_fits(properties, path_4, operator_4, wanted_4))
      and (path_5 is null or property_fits(properties, path_5, operator_5, wanted_5))
$$;
