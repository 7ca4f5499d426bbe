-- Exports that have a file or are just making one.
select export_id, file_name, state = 'running' as is_running
from exports
where file_name is not null or state = 'running'
