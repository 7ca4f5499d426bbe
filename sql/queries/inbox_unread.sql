-- How many notifications somebody has not read.
select count(*) from notification_recipients where account_id = %(account_id)s and read_at is null
