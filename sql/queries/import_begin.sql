-- Enter an import that is being received, unless the project has as many open ones as it may. An upload that takes
-- over an hour, or whose collector is dead, no longer counts.
insert into imports (import_id, project_id, event_type, status, created_at)
select %(import_id)s, %(project_id)s, %(event_type)s, 'receiving', %(created_at)s
where (select count(*) from imports
       where project_id = %(project_id)s
         and status in ('receiving', 'waiting', 'running')
         and (status <> 'receiving' or created_at > %(created_at)s - interval '1 hour')) < %(most_open)s
