-- The events of a day of a project as the archive has them, in the archive's order (beatline/archive/parquet.py).
select project_id, uuid_send(event_id),
       (extract(epoch from ts) * 1000000)::bigint, (extract(epoch from received_at) * 1000000)::bigint,
       event_type, user_id, anonymous_id, session_id, device_id, page_url, app_version, os_name, os_version,
       properties::text
from events
where project_id = %(project_id)s and ts >= %(since)s and ts < %(until)s
order by ts, event_id
