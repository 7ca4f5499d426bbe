-- Stores the peaks of episodes that last.
update watch_history
set peak = new.peak
from unnest(%(episode_ids)s::bigint[], %(peaks)s::double precision[]) as new (episode_id, peak)
where watch_history.episode_id = new.episode_id
