-- Keeps a new device, unless the account has too many that are there.
insert into devices (device_id, account_id, channel, target, target_hash, name, registered_at, last_seen_at)
select %(device_id)s, %(account_id)s, %(channel)s, %(target)s, %(target_hash)s, %(name)s, %(now)s, %(now)s
where (select count(*) from devices
       where account_id = %(account_id)s and unregistered_at is null) < %(most)s
returning device_id, channel, target, name, registered_at, last_seen_at, failures, last_error, unregistered_at
