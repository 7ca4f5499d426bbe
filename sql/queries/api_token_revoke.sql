-- Ends an API token of an account.
delete from api_tokens where account_id = %(account_id)s and token_id = %(token_id)s
