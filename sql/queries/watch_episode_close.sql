-- Ends the episode of a watch, if one lasts; its id, and whether it was told.
update watch_history
set resolved_at = %(now)s, ended_by = %(ended_by)s
where watch_id = %(watch_id)s and resolved_at is null
returning episode_id, notified
