"""What the database knows of the archive: the table archived_days (sql/migrations/0017_archive)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from beatline.archive.manifest import Content, Day, Found
from beatline.storage.queries import query

# How long after its end a day is archived. Events of clients that were offline come late, most of them within
# hours; a day that gets more is archived anew, so this only saves writing most days twice.
CLOSED_AFTER = timedelta(hours=6)
STATES = ("waiting", "verified", "stale", "damaged", "empty")


@dataclass(frozen=True)
class ArchivedDay:
    """A row of the table, which says what the states are."""

    project_id: int
    day: date
    state: str
    generation: int
    events: int
    bytes: int
    checksum: str | None
    stored_events: int | None
    stored_id_sum: int | None
    archived_at: datetime | None
    verified_at: datetime | None
    dropped_at: datetime | None
    held_until: datetime | None
    error: str | None

    @property
    def key(self) -> Day:
        """Which day of which project."""
        return Day(self.project_id, self.day)

    @property
    def stored(self) -> Content | None:
        """What the database had when all of it was found in the archive."""
        if self.stored_events is None or self.stored_id_sum is None:
            return None
        return Content(self.stored_events, int(self.stored_id_sum))


class Seen(NamedTuple):
    """What the database has of a day: its events, and how many of it the aggregates count."""

    stored: Content
    counted: int | None


class DayPlace(NamedTuple):
    """The day behind which a page of the list begins."""

    day: date
    project_id: int


def find_day(connection: Connection, day: Day) -> ArchivedDay | None:
    """What is known of a day."""
    with connection.cursor(row_factory=class_row(ArchivedDay)) as rows:
        return rows.execute(query("archive_day"), day._asdict()).fetchone()


def list_days(
    connection: Connection, project_id: int | None, state: str | None, behind: DayPlace | None, limit: int
) -> list[ArchivedDay]:
    """At most so many days behind a place, the youngest first."""
    behind_day, behind_project = behind or (None, None)
    parameters = {
        "of_project": project_id, "state": state,
        "behind_day": behind_day, "behind_project": behind_project, "limit": limit,
    }  # fmt: skip
    with connection.cursor(row_factory=class_row(ArchivedDay)) as rows:
        return rows.execute(query("archive_days_page"), parameters).fetchall()


def look(connection: Connection, day: Day) -> Seen:
    """What the database has of a day."""
    parameters = bounds(day)
    row = connection.execute(query("archive_stored"), parameters).fetchone()
    counted = connection.execute(query("archive_counted"), parameters).fetchone()
    events, id_sum = row or (0, 0)
    return Seen(Content(events, int(id_sum)), counted[0] if counted else None)


def bounds(day: Day) -> dict[str, Any]:
    """A day as parameters of a query."""
    return {**day._asdict(), "since": day.since, "until": day.until}


def note_verified(connection: Connection, found: Found, seen: Seen, now: datetime) -> None:
    """A day is archived, was read back, and has all that the database has of it."""
    manifest = found.manifest
    parameters = {
        "day": manifest.day, "project_id": manifest.project_id, "generation": manifest.generation,
        "events": manifest.events, "bytes": manifest.bytes, "checksum": found.checksum,
        "archived_at": manifest.archived_at, "counted": seen.counted, "now": now,
        "stored_events": seen.stored.events, "stored_id_sum": seen.stored.id_sum,
    }  # fmt: skip
    connection.execute(query("archive_note_verified"), parameters)


def note(connection: Connection, statement: str, day: Day, **parameters: Any) -> None:
    """Execute one of the statements that change a day's row."""
    connection.execute(query(statement), {**day._asdict(), **parameters})


def count_by_state(connection: Connection) -> Mapping[str, int]:
    """How many days are in each state."""
    counts: dict[str, int] = dict(connection.execute(query("archive_days_by_state")).fetchall())
    return dict.fromkeys(STATES, 0) | counts
