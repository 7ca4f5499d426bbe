-- Give a source of webhooks another secret.
update webhook_sources set secret = %(secret)s where source = %(source)s
