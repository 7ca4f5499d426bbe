-- Refuse what a source of webhooks sends, or take it again.
update webhook_sources set paused = %(paused)s where source = %(source)s
