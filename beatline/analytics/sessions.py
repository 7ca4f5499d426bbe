"""Which sessions were there, the last seen first?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from beatline.analytics.event_log import FIRST, LAST
from beatline.storage.queries import query


class SessionPlace(NamedTuple):
    """The session behind which a page begins."""

    last_seen_at: datetime
    user_id: str
    session_id: str


@dataclass(frozen=True)
class SessionChoice:
    """Which sessions of a project: of some users or anonymous ids, None: of all; last seen in [since,
    until)."""

    project_id: int
    persons: list[str] | None = None
    since: datetime = FIRST
    until: datetime = LAST


@dataclass(frozen=True)
class Session:
    """A session of a user, or of an anonymous id; session_id is '' for what has none of its own."""

    user_id: str
    session_id: str
    started_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None  # None: somebody may still be in it
    events: int

    @property
    def place(self) -> SessionPlace:
        """Where the page behind this session begins."""
        return SessionPlace(self.last_seen_at, self.user_id, self.session_id)


def read_sessions(
    connection: Connection, choice: SessionChoice, behind: SessionPlace | None, limit: int
) -> list[Session]:
    """At most so many sessions behind a place."""
    place = behind or (None, None, None)
    named = dict(zip(("behind_at", "behind_user", "behind_session"), place, strict=True))
    parameters = vars(choice) | named | {"limit": limit}
    with connection.cursor(row_factory=class_row(Session)) as rows:
        return rows.execute(query("sessions_page"), parameters, prepare=False).fetchall()
