-- The account that is signed in by a session, with its roles.
select account_id, email,
       coalesce((select json_agg(json_build_array(project_id, role))
                 from account_roles where account_roles.account_id = accounts.account_id), '[]')
from login_sessions join accounts using (account_id)
where login_id = %(login_id)s and ended_at is null and expires_at > %(now)s and not disabled
