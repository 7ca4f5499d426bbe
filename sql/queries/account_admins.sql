-- Whether there is anybody who may administer all projects.
select 1 from account_roles join accounts using (account_id)
where project_id is null and role = 'admin' and not disabled
limit 1
