-- Ask for an export; for the run of a schedule that is asked for already, answers with that.
insert into exports (
    export_id, project_id, account_id, recipients, kind, format, request, permission, schedule_id, due_at,
    requested_at, not_before)
values (
    %(export_id)s, %(project_id)s, %(account_id)s, %(recipients)s, %(kind)s, %(format)s, %(request)s, %(permission)s,
    %(schedule_id)s, %(due_at)s, %(now)s, %(now)s)
on conflict (schedule_id, due_at) do update set due_at = excluded.due_at
returning export_id
