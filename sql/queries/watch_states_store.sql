-- Stores what watches are after an evaluation, unless they were changed meanwhile; the ids of those stored.
update watch_states
set state = new.state, since = new.since, value = new.value, evaluated_at = new.evaluated_at
from unnest(%(watch_ids)s::bigint[], %(revisions)s::integer[], %(states)s::text[], %(sinces)s::timestamptz[],
            %(measured)s::double precision[], %(times)s::timestamptz[])
    as new (watch_id, revision, state, since, value, evaluated_at)
where watch_states.watch_id = new.watch_id and watch_states.revision = new.revision
returning watch_states.watch_id
