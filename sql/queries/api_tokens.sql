-- An account's API tokens, the newest first.
select token_id, name, scopes, created_at, expires_at, last_used_at
from api_tokens
where account_id = %(account_id)s
order by token_id desc
