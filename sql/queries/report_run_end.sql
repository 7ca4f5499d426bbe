-- What came of a time that a schedule was due, and when it is due next.
with ended as (
    update report_runs set export_id = %(export_id)s, error = %(error)s
    where schedule_id = %(schedule_id)s and due_at = %(due_at)s
)
update report_schedules set due_at = %(next_due_at)s where schedule_id = %(schedule_id)s
