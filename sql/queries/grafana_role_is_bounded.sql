-- Whether statements of the role of Grafana are ended after a time in this database; no row without the role.
select exists (
    select from pg_db_role_setting
    where setrole = pg_roles.oid
      and setdatabase in (0, (select oid from pg_database where datname = current_database()))
      and setconfig::text like '%statement_timeout=%'
)
from pg_roles
where rolname = 'beatline_grafana'
