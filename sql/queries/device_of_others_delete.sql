-- Forgets the device of a target when it is another account's.
delete from devices
where channel = %(channel)s and target_hash = %(target_hash)s and account_id <> %(account_id)s
