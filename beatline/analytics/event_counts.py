"""How many events were there in a range of days, in all or by type?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

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


class Bucket(NamedTuple):
    """How many events of a type a minute, an hour or a day has; bucket is its start."""

    bucket: datetime
    event_type: str
    events: int


class BucketPlace(NamedTuple):
    """The count behind which a page begins."""

    bucket: datetime
    event_type: str


@dataclass(frozen=True)
class BucketChoice:
    """Which counts of a project: unit is minute, hour or day; of some types, None: of all; in [since,
    until)."""

    project_id: int
    unit: str
    since: datetime
    until: datetime
    event_types: list[str] | None = None


def read_buckets(
    connection: Connection, choice: BucketChoice, behind: BucketPlace | None, limit: int
) -> list[Bucket]:
    """At most so many counts behind a place, the newest first, by type within a bucket."""
    at, event_type = behind or (None, None)
    parameters = vars(choice) | {"behind_at": at, "behind_type": event_type, "limit": limit}
    rows = connection.execute(query("event_aggregates"), parameters, prepare=False)
    return [Bucket(*row) for row in rows]
