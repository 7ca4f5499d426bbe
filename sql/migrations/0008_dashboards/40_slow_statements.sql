-- The statements of this database that took most time, from pg_stat_statements; none without that extension, or while
-- the server does not load it. Times in milliseconds. Texts have $1 for values; those that mention a password are left
-- out, since utility statements keep their values. Found when it is read: the extension may come and go at any time.
create function read_slow_statements()
returns table (query text, calls bigint, mean_ms double precision, total_ms double precision, rows bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    place name;
begin
    select extnamespace::regnamespace::name into place from pg_extension where extname = 'pg_stat_statements';
    if place is not null then
        return query execute format(
            'select left(query, 1000), calls, mean_exec_time, total_exec_time, rows from %I.pg_stat_statements'
            ' where dbid = (select oid from pg_database where datname = current_database())'
            ' and query !~* ''password'' order by total_exec_time desc limit 100', place);
    end if;
exception
    when object_not_in_prerequisite_state or insufficient_privilege then
        return;
end;
$$;
revoke all on function read_slow_statements() from public;

create view slow_statements as select * from read_slow_statements();

-- Only a superuser may make the extension, and only some servers have it.
do $$
begin
    if exists (select from pg_available_extensions where name = 'pg_stat_statements') then
        create extension if not exists pg_stat_statements;
    end if;
exception
    when others then
        raise notice 'without pg_stat_statements slow statements are not shown: %', sqlerrm;
end;
$$;
