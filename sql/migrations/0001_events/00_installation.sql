-- Which storage engine this database was migrated for; one row, written by `beatline migrate`.
create table installation (
    only_row     boolean primary key default true check (only_row),
    engine       text not null check (engine in ('postgres', 'timescaledb')),
    installed_at timestamptz not null default now()
);
