-- Forget a source of webhooks.
delete from webhook_sources where source = %(source)s
