-- The rejected events of a project that pass a filter; null: any. What a page, its counts and a replay share.
create function matching_rejected_events(project integer, because text, came_by text, of_type text, from_time timestamptz)
returns setof rejected_events language sql stable as $$
    select * from rejected_events
    where project_id = project
      and (because is null or reason = because)
      and (came_by is null or source = came_by)
      and (of_type is null or event ->> 'event_type' = of_type)
      and (from_time is null or received_at >= from_time)
$$;
