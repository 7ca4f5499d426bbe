-- How many events of a day of a project are counted; null for none.
select sum(events)::bigint from events_by_day where project_id = %(project_id)s and bucket = %(since)s
