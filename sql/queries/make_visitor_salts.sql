-- Make the secrets of today and tomorrow (UTC) where they are missing; they are forgotten by forget_visitor_salts.
insert into visitor_salts (day)
select day
from generate_series(0, 1) as ahead
cross join lateral (select (now() at time zone 'utc')::date + ahead as day) as days
where not exists (select from visitor_salts as known where known.day = days.day)
on conflict do nothing
