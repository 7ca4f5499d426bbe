"""A URL of somebody's own, by Standard Webhooks."""
