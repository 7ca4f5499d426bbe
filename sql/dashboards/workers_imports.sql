-- The newest imports of all projects: state, how much of the file is read, and what became of its rows.
select
    imports.created_at,
    projects.name as project,
    imports.status,
    imports.file_bytes as file_size,
    imports.bytes_read::float8 / nullif(imports.file_bytes, 0) as read,
    imports.rows_read as rows,
    imports.stored,
    imports.duplicates,
    imports.rejected,
    extract(epoch from imports.finished_at - imports.started_at)::float8 as seconds
from imports
join projects using (project_id)
order by imports.created_at desc
limit 50
