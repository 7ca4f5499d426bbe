-- Every administrative change: who, when, from where, what was before and after. Only ever added to.
create table audit_log (
    audit_id   bigint generated always as identity primary key,
    at         timestamptz not null,
    actor      text not null,  -- an e-mail address, 'admin token' or 'command line'
    account_id uuid,           -- kept when the account is deleted, so no foreign key
    ip_address text,
    request_id text,
    project_id integer,        -- null: of no project
    action     text not null,  -- 'write key rotated'
    subject    text not null,  -- what it was done to: a key, an address, a name
    before     jsonb,
    after      jsonb
);
-- Serves the log of one project.
create index audit_log_project on audit_log (project_id, audit_id desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% may only be added to', tg_table_name using errcode = 'insufficient_privilege';
end;
$$;
create trigger audit_log_append_only before update or delete or truncate on audit_log
for each statement execute function refuse_change();
