-- Deletes a dead letter; no row when there is none of the id.
delete from dead_letters where dead_letter_id = %(dead_letter_id)s
returning dead_letter_id, queue, actor, arguments, error, traceback, first_at, at, times, send_asked_at
