-- Saved reports, and when each is exported by itself. definition is beatline.reports.definition.Definition as JSON.
create table reports (
    report_id   integer generated always as identity primary key,
    project_id  integer not null references projects on delete cascade,
    owner_id    uuid references accounts on delete set null, -- null: made with the admin token, or the account is gone
    name        text not null check (length(name) between 1 and 200),
    definition  jsonb not null,
    for_viewers boolean not null, -- also those may run it who may not read events
    version     integer not null default 1, -- counts changes, so that none is overwritten unseen
    created_at  timestamptz not null,
    changed_at  timestamptz not null,
    unique (project_id, name)
);

create table report_schedules (
    schedule_id integer generated always as identity primary key,
    report_id   integer not null references reports on delete cascade,
    every       text not null check (every in ('day', 'week', 'month')),
    on_day      integer, -- of a week: 1 is Monday; of a month: 31 is the last day of shorter months too
    at_hour     integer not null check (at_hour between 0 and 23),
    time_zone   text not null,
    format      text not null check (format in ('csv', 'ndjson', 'parquet', 'pdf')),
    recipients  uuid[] not null, -- accounts
    paused      boolean not null,
    due_at      timestamptz not null, -- the next time
    check (case every when 'day' then on_day is null
                      when 'week' then on_day is not null and on_day between 1 and 7
                      when 'month' then on_day is not null and on_day between 1 and 31 end)
);
create index report_schedules_report on report_schedules (report_id); -- serves the list, and the deletion of a report
create index report_schedules_due on report_schedules (due_at) where not paused; -- serves the workers

-- A time that a schedule was due: written in the transaction that asks for the export, so each is asked for once.
create table report_runs (
    schedule_id integer not null references report_schedules on delete cascade,
    due_at      timestamptz not null,
    ran_at      timestamptz not null,
    export_id   uuid, -- null: nothing was asked for, error says why
    error       text,
    primary key (schedule_id, due_at)
);
