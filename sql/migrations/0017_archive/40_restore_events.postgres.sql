-- Puts archived events of a project and day back; those that are there already are left. Returns how many came back.
-- Into the partition itself, so that the triggers on events do not count them: the aggregates have kept the counts of
-- what was dropped. Only the owner may write to partitions.
--   restored: [{project_id, event_id, ts, …, properties, copy}], copy: the how manieth of this id and time it is
create function restore_events(of_project integer, of_day date, restored json) returns integer
language plpgsql as $$
declare
    since constant timestamptz := of_day::timestamp at time zone 'UTC';
    part text;
    stored integer;
begin
    perform make_event_partition(since);
    select name into part from event_partitions where lower <= since and since < upper;
    execute format($insert$
        insert into %1$I (project_id, event_id, ts, received_at, event_type, user_id, anonymous_id,
                          session_id, device_id, page_url, app_version, os_name, os_version, properties)
        select project_id, event_id, ts, received_at, event_type, user_id, anonymous_id,
               session_id, device_id, page_url, app_version, os_name, os_version, properties
        from json_to_recordset($1) as event (
            project_id integer, event_id uuid, ts timestamptz, received_at timestamptz, event_type text,
            user_id text, anonymous_id text, session_id text, device_id text, page_url text,
            app_version text, os_name text, os_version text, properties jsonb, copy integer)
        where project_id = $2
          and copy > (select count(*) from %1$I as known
                      where known.project_id = $2 and known.ts = event.ts and known.event_id = event.event_id)
        $insert$, part) using restored, of_project;
    get diagnostics stored = row_count;
    return stored;
end;
$$;
