-- Makes a watch with its state; its id.
with made as (
    insert into watches (project_id, account_id, name, kind, condition, severity, minimum_seconds, cool_down_seconds,
                         resolve_level, enabled, created_at, updated_at)
    values (%(project_id)s, %(account_id)s, %(name)s, %(kind)s, %(condition)s, %(severity)s, %(minimum_seconds)s,
            %(cool_down_seconds)s, %(resolve_level)s, %(enabled)s, %(now)s, %(now)s)
    returning watch_id
)
insert into watch_states (watch_id, since)
select watch_id, %(now)s from made
returning watch_id
