-- Keep others from counting a project's open imports until the transaction ends.
select from projects where project_id = %(project_id)s for no key update
