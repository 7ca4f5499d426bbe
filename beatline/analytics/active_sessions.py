"""How many sessions are active now, of everybody or of one user?"""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection

from beatline.analytics.windows import ACTIVE
from beatline.storage.queries import read_count


def active_sessions(
    connection: Connection, project_id: int, now: datetime, user_id: str | None = None
) -> int:
    """Sessions with an event in the last 5 minutes; a user's events without a session are one session."""
    parameters = {"project_id": project_id, "since": now - ACTIVE, "user_id": user_id}
    return read_count(connection, "active_sessions", parameters)
