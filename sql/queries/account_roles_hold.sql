-- Lets no other transaction change a role until this one ends.
lock table account_roles in share row exclusive mode
