-- Queues a notification for some accounts, or for all with one of the roles in all projects, unless its key was queued before.
with queued as (
    insert into notifications (key, kind, severity, title, body, path, project_id, collapse, created_at)
    values (%(key)s, %(kind)s, %(severity)s, %(title)s, %(body)s, %(path)s, %(project_id)s, %(collapse)s, %(now)s)
    on conflict (key) do nothing
    returning notification_id
)
insert into notification_recipients (account_id, notification_id)
select account_id, notification_id
from queued cross join accounts
where not disabled
  and case
      when %(account_ids)s::uuid[] is null then exists (
          select from account_roles
          where account_roles.account_id = accounts.account_id
            and project_id is null and role = any(%(roles)s::text[]))
      else account_id = any(%(account_ids)s::uuid[])
  end
