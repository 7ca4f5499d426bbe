-- The newest imports of a project whose files were received.
select * from imports
where project_id = %(project_id)s and status <> 'receiving'
order by created_at desc
limit %(limit)s
