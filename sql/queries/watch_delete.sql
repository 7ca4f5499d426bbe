-- Forgets a watch with its state and history.
delete from watches where watch_id = %(watch_id)s
