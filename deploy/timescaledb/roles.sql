-- What the first start of the database does after the image's own steps, as its superuser (psql).
-- Beatline's role owns its database and is no superuser: it may make the other roles, and see statistics.
\getenv password BEATLINE_DATABASE_PASSWORD

create role beatline login createrole password :'password';
grant pg_monitor to beatline;
alter database beatline owner to beatline;
create extension if not exists pg_stat_statements;
