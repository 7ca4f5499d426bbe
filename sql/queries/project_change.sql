-- Renames a project, pauses it or lets it go on, null: as it is; with_origins: says whose pages may send.
update projects
set name = coalesce(%(name)s, name), paused = coalesce(%(paused)s, paused),
    allowed_origins = case when %(with_origins)s then %(allowed_origins)s::text[] else allowed_origins end
where project_id = %(project_id)s
