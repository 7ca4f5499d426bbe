-- Who events belong to. Project 1 takes the events that come without a write key.
create table projects (
    project_id integer generated always as identity primary key,
    name       text not null check (length(name) between 1 and 200),
    created_at timestamptz not null default now()
);
insert into projects (name) values ('default');
