-- Note one more delivery of an episode, and when it ended; what is told of one that fires replaces what was told before.
update alert_history
set deliveries = deliveries + 1,
    last_received_at = greatest(last_received_at, %(now)s),
    resolved_at = %(resolved_at)s,
    receiver = case when %(resolved_at)s::timestamptz is null then %(receiver)s else receiver end,
    annotations = case when %(resolved_at)s::timestamptz is null then %(annotations)s else annotations end,
    "values" = case when %(resolved_at)s::timestamptz is null then %(values)s else "values" end,
    links = case when %(resolved_at)s::timestamptz is null then %(links)s else links end
where alert_id = %(alert_id)s
