-- Every project with its write keys that are valid, the newest first, and when those end that were replaced.
select project_id, name, paused, created_at, allowed_origins,
       array(select write_key from write_keys
             where write_keys.project_id = projects.project_id
               and (expires_at is null or expires_at > now())
             order by starts_with(write_key, 'bl_') desc, created_at desc) as write_keys,
       (select coalesce(jsonb_object_agg(write_key, expires_at), '{}') from write_keys
        where write_keys.project_id = projects.project_id and expires_at > now()) as key_ends
from projects order by project_id
