"""How many users are active now?"""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection

from beatline.analytics.windows import ACTIVE
from beatline.storage.queries import read_count


def active_users(connection: Connection, project_id: int, now: datetime) -> int:
    """Distinct users, or anonymous visitors, with an event in the last 5 minutes."""
    parameters = {"project_id": project_id, "since": now - ACTIVE}
    return read_count(connection, "active_users", parameters)
