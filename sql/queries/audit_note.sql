-- Adds an administrative change to the audit log.
insert into audit_log (at, actor, account_id, ip_address, request_id, project_id, action, subject, before, after)
values (%(at)s, %(actor)s, %(account_id)s, %(ip_address)s, %(request_id)s, %(project_id)s, %(action)s, %(subject)s,
        %(before)s::jsonb, %(after)s::jsonb)
