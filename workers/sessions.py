"""Closing of sessions that nobody was seen in for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from psycopg import Connection

from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.store import connected

log = structlog.get_logger()

INACTIVE = timedelta(minutes=30)  # CONTRACTS, section 9: sessions are derived with gaps of 30 minutes
LOOK_BACK = timedelta(hours=3)
FIRST = datetime(1, 1, 1, tzinfo=UTC)


def close_sessions(settings: Settings, now: datetime) -> None:
    """Close sessions that became inactive in the last hours."""
    close(settings, now - INACTIVE - LOOK_BACK, now - INACTIVE)


def close_old_sessions(settings: Settings, now: datetime) -> None:
    """Close inactive sessions of any age: of imports, and what was left while no worker ran."""
    close(settings, FIRST, now - INACTIVE)


def close(settings: Settings, seen_after: datetime, seen_before: datetime) -> None:
    """Close the open sessions that were last seen between two times. Raises StorageError."""
    closed = 0
    with connected(settings.database_url) as connection:
        for (project_id,) in connection.execute(query("project_ids")).fetchall():
            closed += close_of_project(connection, project_id, seen_after, seen_before)
    if closed:
        log.info("sessions closed", sessions=closed)


def close_of_project(
    connection: Connection, project_id: int, seen_after: datetime, seen_before: datetime
) -> int:
    """The same for one project, some at a time; answers how many were closed."""
    closed = 0
    place: datetime | None = seen_after
    while place is not None:
        parameters = {"project_id": project_id, "seen_after": place, "seen_before": seen_before}
        row = connection.execute(query("sessions_close"), parameters).fetchone()
        place, count = row or (None, 0)
        closed += count
    return closed
