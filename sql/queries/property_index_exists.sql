-- A row when there is an index of this name.
select
from pg_index
where indexrelid = to_regclass(%(name)s)
