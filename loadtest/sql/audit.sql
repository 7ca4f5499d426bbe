-- How what the users remember compares with what is stored: events whose acknowledged key is not stored, keys
-- that are stored more than once, keys that nobody sent, and events that were shown live and are not stored.
with stored as (
    select properties ->> 'key' as key, count(*) as times
    from events
    where ts >= %(since)s and properties ->> 'key' like %(run)s || '-%%'
    group by 1
)
select
    (select count(distinct id) from remembered where kind = 'acknowledged') as acknowledged,
    (select count(*) from stored) as stored,
    (select count(distinct id) from remembered
     where kind = 'acknowledged' and not exists (select from stored where stored.key = id)) as lost,
    (select count(*) from stored where times > 1) as doubled,
    (select count(*) from stored
     where not exists (select from remembered where kind = 'sent' and id = stored.key))
        as unheard_of,
    (select count(distinct id) from remembered
     where kind = 'shown' and not exists (
         select from events where events.event_id = id::uuid and events.received_at >= %(since)s)) as shown_only
