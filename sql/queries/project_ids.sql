-- The ids of all projects.
select project_id from projects order by project_id
