-- Notes that a device of an account was registered again; a provider's word that it is gone counts no more.
update devices
set target = %(target)s, name = %(name)s, last_seen_at = %(now)s, unregistered_at = null, failures = 0, last_error = null
where channel = %(channel)s and target_hash = %(target_hash)s and account_id = %(account_id)s
returning device_id, channel, target, name, registered_at, last_seen_at, failures, last_error, unregistered_at
