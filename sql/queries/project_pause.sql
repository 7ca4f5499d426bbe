-- Pause a project, or let it go on.
update projects set paused = %(paused)s where project_id = %(project_id)s
