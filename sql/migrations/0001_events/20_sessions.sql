-- One row a session and user, touched by the writer in the transaction of the events themselves.
-- Active users and active sessions are read from here: somebody is active exactly when last seen that recently.
create table sessions (
    project_id   integer not null,
    user_id      text not null,        -- user or anonymous id; '' when the event names neither
    session_id   text not null,        -- '' is the user's own implicit session
    started_at   timestamptz not null,
    last_seen_at timestamptz not null, -- greatest of least(ts, received_at): never in the future
    events       bigint not null,
    primary key (project_id, user_id, session_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);

-- Serves the windows that end now.
create index sessions_last_seen on sessions (project_id, last_seen_at);
