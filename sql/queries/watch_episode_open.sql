-- Begins an episode; its id.
insert into watch_history (watch_id, fired_at, value, peak, notified)
values (%(watch_id)s, %(now)s, %(value)s, %(value)s, %(told)s)
returning episode_id
