"""Reading and changing the catalogue of a project.

Each change counts up the catalogue's version, by which every process learns of it within a second or two
(beatline/projects.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import dict_row

from beatline.catalogue import BUILT_IN, BUILT_IN_TYPES, Mode
from beatline.errors import NotPossible
from beatline.event_schema import schema_text
from beatline.storage.queries import query

MOST_TYPES = 1_000


@dataclass(frozen=True)
class EventType:
    """An event type; schema is a JSON Schema, None for one that takes anything. Built-in ones: no times."""

    event_type: str
    schema: Any
    description: str
    builtin: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


def built_in_type(event_type: str) -> EventType:
    """A built-in type as projects have it that have no schema of their own for it."""
    description = BUILT_IN_TYPES[event_type].__doc__ or ""
    return EventType(event_type, msgspec.json.decode(BUILT_IN[event_type]), description, builtin=True)


def read_mode(connection: Connection, project_id: int) -> Mode | None:
    """What becomes of events that do not fit; None when there is no such project."""
    row = connection.execute(query("catalogue_mode"), {"project_id": project_id}).fetchone()
    return Mode(row[0]) if row else None


def set_mode(connection: Connection, project_id: int, mode: Mode) -> None:
    """Say what becomes of events that do not fit."""
    connection.execute(query("catalogue_mode_set"), {"project_id": project_id, "mode": mode})


def list_types(connection: Connection, project_id: int, event_type: str | None = None) -> list[EventType]:
    """The event types of a project by name, built-in ones included, or only one of them."""
    types = {name: built_in_type(name) for name in BUILT_IN if event_type in {None, name}}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(query("event_types"), {"project_id": project_id, "event_type": event_type}):
            schema = row.pop("schema")
            decoded = None if schema is None else msgspec.json.decode(schema)
            types[row["event_type"]] = EventType(schema=decoded, **row)
    return [types[name] for name in sorted(types)]


def find_type(connection: Connection, project_id: int, event_type: str) -> EventType | None:
    """An event type of a project, built-in ones included; None when nobody describes it."""
    found = [] if "\0" in event_type else list_types(connection, project_id, event_type)
    return found[0] if found else None


def put_type(connection: Connection, project_id: int, described: EventType, now: datetime) -> None:
    """Describe an event type, newly or anew. Raises BadSchema, NotPossible when there are too many."""
    parameters = {
        "project_id": project_id,
        "event_type": described.event_type,
        "schema": None if described.schema is None else schema_text(described.schema),
        "description": described.description,
        "now": now,
        "most": MOST_TYPES,
    }
    with connection.transaction():
        connection.execute(query("catalogue_changed"), {"project_id": project_id})
        if not connection.execute(query("event_type_put"), parameters).rowcount:
            raise NotPossible(f"A project describes at most {MOST_TYPES} event types.")


def delete_type(connection: Connection, project_id: int, event_type: str) -> bool:
    """Forget what a project says of an event type; a built-in one is again what it was. False when it has
    said nothing."""
    parameters = {"project_id": project_id, "event_type": event_type}
    with connection.transaction():
        connection.execute(query("catalogue_changed"), {"project_id": project_id})
        return connection.execute(query("event_type_delete"), parameters).rowcount > 0
