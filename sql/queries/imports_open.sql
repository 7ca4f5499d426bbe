-- The imports to work on, the one that waits longest first. After attempts that stored nothing there is a pause.
select import_id
from imports join projects using (project_id)
where status in ('waiting', 'running')
  and not paused
  and (worked_at is null or worked_at + make_interval(secs => least(60, 2 ^ attempts - 1)) <= %(now)s)
order by worked_at nulls first, imports.created_at
