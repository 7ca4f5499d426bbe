-- Serves the list of users, the last seen first. An entry a user and minute in which they were there.
create index users_last_seen on users (project_id, last_seen_at, user_id);
