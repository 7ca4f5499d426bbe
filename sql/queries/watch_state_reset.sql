-- Puts a watch back to ok, and voids an evaluation of what it was.
update watch_states
set revision = revision + 1, state = 'ok', since = %(now)s, value = null, evaluated_at = null
where watch_id = %(watch_id)s
