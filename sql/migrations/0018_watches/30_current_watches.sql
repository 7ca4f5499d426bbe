-- Watches with their states and the episode that lasts, if any.
create view current_watches as
select watch_id, project_id, account_id, name, kind, condition, severity, minimum_seconds, cool_down_seconds,
       resolve_level, enabled, snoozed_until, created_at, updated_at, revision, state, since, watch_states.value,
       evaluated_at, episode_id, fired_at, peak, coalesce(notified, false) as told
from watches
join watch_states using (watch_id)
left join (
    select watch_id, episode_id, fired_at, peak, notified from watch_history where resolved_at is null
) as episode using (watch_id);
