-- Keeps somebody's quiet hours.
insert into quiet_hours (account_id, from_time, to_time, time_zone, days, critical_passes)
values (%(account_id)s, %(from_time)s, %(to_time)s, %(time_zone)s, %(days)s, %(critical_passes)s)
on conflict (account_id) do update set
    from_time = excluded.from_time,
    to_time = excluded.to_time,
    time_zone = excluded.time_zone,
    days = excluded.days,
    critical_passes = excluded.critical_passes
