-- Forget episodes of alerts that nobody told of since a time; how many. One that fires is told of again and again.
with forgotten as (
    delete from alert_history where last_received_at < %(before)s returning 1
)
select count(*) from forgotten
