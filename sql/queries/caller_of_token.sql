-- The account that made an API token, with its roles.
select token_id, account_id, email, scopes, last_used_at,
       coalesce((select json_agg(json_build_array(project_id, role))
                 from account_roles where account_roles.account_id = accounts.account_id), '[]')
from api_tokens join accounts using (account_id)
where token_hash = %(token_hash)s and (api_tokens.expires_at is null or api_tokens.expires_at > %(now)s)
  and not disabled
