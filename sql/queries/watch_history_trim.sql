-- Forgets episodes that were over before a time.
delete from watch_history where resolved_at < %(before)s
