-- An attempt failed: the export waits for the next one, or, without a time for it, has failed.
update exports
set state = case when %(again_at)s::timestamptz is null then 'failed' else 'waiting' end,
    not_before = coalesce(%(again_at)s, not_before),
    queued_at = null,
    ended_at = case when %(again_at)s::timestamptz is null then %(now)s::timestamptz end,
    error = %(error)s
where export_id = %(export_id)s and attempts = %(attempt)s and state = 'running'
returning *
