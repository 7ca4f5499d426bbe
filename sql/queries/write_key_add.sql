-- Give a project another write key.
insert into write_keys (write_key, project_id) values (%(write_key)s, %(project_id)s)
