-- Forgets a device of somebody's.
delete from devices where device_id = %(device_id)s and account_id = %(account_id)s
