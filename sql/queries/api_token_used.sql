-- Notes when an API token was used.
update api_tokens set last_used_at = %(now)s where token_id = %(token_id)s
