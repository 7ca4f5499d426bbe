-- Asks for a dead letter to be sent again; no row when there is none of the id.
update dead_letters set send_asked_at = %(now)s where dead_letter_id = %(dead_letter_id)s
returning dead_letter_id, queue, actor, arguments, error, traceback, first_at, at, times, send_asked_at
