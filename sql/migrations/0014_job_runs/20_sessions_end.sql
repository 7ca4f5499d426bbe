-- When a session ended: when it was seen last, entered by the workers once that is 30 minutes ago, or when the client said
-- that it is over. A session that was seen again later is open: ended_at < last_seen_at. No index, which each event of a
-- session would pay for: workers look through the sessions last seen in the last hours by sessions_last_seen.
alter table sessions add column ended_at timestamptz;
