-- Makes an API token.
insert into api_tokens (token_id, account_id, name, token_hash, scopes, created_at, expires_at)
values (%(token_id)s, %(account_id)s, %(name)s, %(token_hash)s, %(scopes)s, %(now)s, %(expires_at)s)
