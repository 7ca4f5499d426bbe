-- Every project with the write keys that are valid now; what each collector process knows of them.
select project_id, name, paused, allowed_origins, catalogue_mode, catalogue_version,
       array(select write_key from write_keys
             where write_keys.project_id = projects.project_id
               and (expires_at is null or expires_at > now())) as write_keys
from projects
