-- Every source of webhooks; what each collector process knows of them.
select source, project_id, kind, secret, mapping::text, paused from webhook_sources
