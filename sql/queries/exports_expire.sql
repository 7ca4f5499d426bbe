-- Exports whose time is over, and their files that are still there.
with over as (
    update exports set state = 'expired'
    where state = 'done' and expires_at <= %(now)s
    returning export_id, file_name
)
select export_id, file_name from over
union
select export_id, file_name from exports where state = 'expired' and file_name is not null
