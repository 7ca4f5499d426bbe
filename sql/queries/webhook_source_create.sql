-- Make a source of webhooks.
insert into webhook_sources (source, project_id, kind, secret, mapping)
values (%(source)s, %(project_id)s, %(kind)s, %(secret)s, %(mapping)s)
