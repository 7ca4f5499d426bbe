-- Every account with its roles, by address. An account has few roles, and an installation few accounts.
select account_id, email, name, disabled, created_at,
       coalesce((select json_agg(json_build_array(project_id, role) order by project_id nulls first)
                 from account_roles where account_roles.account_id = accounts.account_id), '[]') as role_rows
from accounts
order by email
