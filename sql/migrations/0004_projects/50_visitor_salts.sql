-- One secret a day. Visitors of protocols without any id are told apart by a hash with the day's salt; once the salt
-- is deleted nobody can tell who it was.
create table visitor_salts (
    day  date primary key,
    salt uuid not null default gen_random_uuid()
);
