"""Indexes on properties, made on request: wished for here, built by the workers
(workers/property_indexes.py).

Such an index finds the events of a project in which a property has a value, in the order of time. It costs
every event of the project that has the property, so there are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from beatline.errors import NotPossible
from beatline.storage.queries import query

MOST_INDEXES = 10  # of a project


@dataclass(frozen=True)
class PropertyIndex:
    """An index as its table has it. path: the way to the property through the JSON. state: building, ready,
    failed (error says why), dropping."""

    index_id: int
    project_id: int
    path: list[str]
    state: str
    requested_at: datetime
    ready_at: datetime | None
    attempts: int
    error: str | None

    @property
    def name(self) -> str:
        """What the index is called in the database."""
        return f"events_property_{self.index_id}"


class Indexed(NamedTuple):
    """A property that an index finds by its value, wanted as JSON, among the events from a time on."""

    path: tuple[str, ...]
    wanted: str
    since: datetime


def list_indexes(connection: Connection, project_id: int) -> list[PropertyIndex]:
    """The indexes of a project, the oldest first."""
    with connection.cursor(row_factory=class_row(PropertyIndex)) as rows:
        return rows.execute(query("property_indexes"), {"project_id": project_id}).fetchall()


def request_index(
    connection: Connection, project_id: int, path: tuple[str, ...], now: datetime
) -> PropertyIndex:
    """Wish for an index, in a transaction. Raises NotPossible when there is one, or too many."""
    connection.execute(query("project_hold"), {"project_id": project_id})
    known = list_indexes(connection, project_id)
    if len(known) >= MOST_INDEXES:
        raise NotPossible(f"The project has {MOST_INDEXES} indexes; drop one first.")
    parameters = {"project_id": project_id, "path": list(path), "now": now}
    try:
        with connection.transaction(), connection.cursor(row_factory=class_row(PropertyIndex)) as rows:
            made = rows.execute(query("property_index_request"), parameters).fetchone()
    except UniqueViolation:
        raise NotPossible("There is an index on this property.") from None
    if made is None:
        raise NotPossible("There is no such project.")
    return made


def drop_index(connection: Connection, project_id: int, index_id: int) -> PropertyIndex | None:
    """Have an index dropped; None when there is none."""
    parameters = {"project_id": project_id, "index_id": index_id}
    with connection.cursor(row_factory=class_row(PropertyIndex)) as rows:
        return rows.execute(query("property_index_unwish"), parameters).fetchone()


def find_indexed(
    connection: Connection, project_id: int, wanted: dict[tuple[str, ...], str], now: datetime
) -> Indexed | None:
    """One of the properties, given with their values as JSON, that has an index; None when none has."""
    if not wanted:
        return None
    parameters = {"project_id": project_id, "now": now}
    for path, since in connection.execute(query("property_indexes_ready"), parameters):
        if tuple(path) in wanted:
            return Indexed(tuple(path), wanted[tuple(path)], since)
    return None
