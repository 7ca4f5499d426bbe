"""How many events were there in a range of days, in all or by type?"""

from __future__ import annotations

from datetime import date

from psycopg import Connection

from beatline.analytics.windows import days_between
from beatline.storage.queries import query, read_count


def event_count(
    connection: Connection, project_id: int, start: date, end: date, event_type: str | None = None
) -> int:
    """Events of the UTC days from start to end, both inclusive, of one type or of all."""
    days = days_between(start, end)
    return read_count(connection, "event_count", {"project_id": project_id, "event_type": event_type, **days})


def event_counts_by_type(connection: Connection, project_id: int, start: date, end: date) -> dict[str, int]:
    """Events of the UTC days from start to end, both inclusive, by type; {} when there were none."""
    parameters = {"project_id": project_id, **days_between(start, end)}
    return dict(connection.execute(query("event_counts_by_type"), parameters).fetchall())
