-- Says until when nothing is told of a watch; null: no more.
update watches set snoozed_until = %(until)s where watch_id = %(watch_id)s
