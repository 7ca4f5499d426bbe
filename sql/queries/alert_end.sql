-- End an episode that fires.
update alert_history set resolved_at = %(resolved_at)s where alert_id = %(alert_id)s
