-- Serves the timeline of a user: in which hours they were there. Written by the refresh, not by the writer. On PostgreSQL
-- the primary key serves it: its scan skips from hour to hour.
create index users_by_hour_user on users_by_hour (project_id, user_id, bucket desc);
