-- Which project an event belongs to: found by the write key it comes with. A write key is public (it stands in every
-- page that sends events) and only lets events in. A domain may stand for a key: Plausible's trackers send nothing else.
alter table projects add column paused boolean not null default false; -- refuses events while true
create unique index projects_name on projects (name);

create table write_keys (
    write_key  text primary key check (length(write_key) between 1 and 200),
    project_id integer not null references projects on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz -- null: valid until rotated
);
create index write_keys_project on write_keys (project_id);

insert into write_keys (write_key, project_id)
select 'bl_' || replace(gen_random_uuid()::text, '-', ''), project_id from projects;
