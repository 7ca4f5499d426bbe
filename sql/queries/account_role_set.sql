-- Gives an account a role in a project, or in all of them.
insert into account_roles (account_id, project_id, role)
values (%(account_id)s, %(project_id)s, %(role)s)
on conflict (account_id, project_id) do update set role = excluded.role
