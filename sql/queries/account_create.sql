-- Makes an account without any role.
insert into accounts (account_id, email, name, password_hash, password_changed_at, created_at)
values (%(account_id)s, %(email)s, %(name)s, %(password_hash)s, %(now)s, %(now)s)
