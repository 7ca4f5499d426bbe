-- Changes what people said of a watch.
update watches
set account_id = %(account_id)s, name = %(name)s, kind = %(kind)s, condition = %(condition)s,
    severity = %(severity)s, minimum_seconds = %(minimum_seconds)s, cool_down_seconds = %(cool_down_seconds)s,
    resolve_level = %(resolve_level)s, enabled = %(enabled)s, updated_at = %(now)s
where watch_id = %(watch_id)s
