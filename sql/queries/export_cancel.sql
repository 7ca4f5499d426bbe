-- Cancel an export that has not ended.
update exports set state = 'cancelled', ended_at = %(now)s
where export_id = %(export_id)s and state in ('waiting', 'running')
returning *
