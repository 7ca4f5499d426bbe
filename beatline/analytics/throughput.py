"""How many events happen per second, over the last minutes?"""

from __future__ import annotations

from datetime import datetime, timedelta

from psycopg import Connection

from beatline.storage.queries import query


def throughput(
    connection: Connection, project_id: int, now: datetime, window: timedelta, step: timedelta
) -> list[tuple[datetime, int]]:
    """(start of step, events) for every whole step of [now - window, now), oldest first, empty ones too."""
    steps = window // step
    since = now - steps * step
    parameters = {"project_id": project_id, "since": since, "until": now, "step": step}
    counted: dict[datetime, int] = dict(connection.execute(query("throughput"), parameters).fetchall())
    starts = (since + number * step for number in range(steps))
    return [(start, counted.get(start, 0)) for start in starts]
