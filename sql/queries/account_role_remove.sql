-- Takes an account's role in a project, or in all of them, away.
delete from account_roles where account_id = %(account_id)s and project_id is not distinct from %(project_id)s
