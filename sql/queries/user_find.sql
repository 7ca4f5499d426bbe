-- What is kept of a user: from users, or of somebody without a name from their sessions.
select %(user_id)s::text as user_id,
       least(known.first_seen_at, seen.first_seen_at) as first_seen_at,
       greatest(known.last_seen_at, seen.last_seen_at) as last_seen_at,
       coalesce(known.traits, '{}') as traits,
       known.user_id is not null as known,
       seen.sessions,
       seen.events
from (select min(started_at) as first_seen_at, max(last_seen_at) as last_seen_at, count(*) as sessions,
             coalesce(sum(events), 0)::bigint as events
      from sessions
      where project_id = %(project_id)s and user_id = %(user_id)s) as seen
left join users as known on known.project_id = %(project_id)s and known.user_id = %(user_id)s
where known.user_id is not null or seen.sessions > 0
