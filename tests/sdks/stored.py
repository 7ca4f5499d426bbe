"""Comparing what is stored with what SDKs said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from beatline.events import client_event_id
from tests.fixtures.rows import Row
from tests.sdks import wire
from tests.sdks.runs import Run

Columns = dict[str, Any]
ON_TIME = timedelta(0)
CLOCK = timedelta(seconds=2.5)  # less than SDKs that repeat their time of sending wait before they retry
CANONICAL = {
    "identify": "$identify",
    "page": "page_view",
    "screen": "screen_view",
    "group": "$group",
    "alias": "$alias",
    "$pageview": "page_view",
    "$screen": "screen_view",
    "$groupidentify": "$group",
    "$create_alias": "$alias",
    "pageview": "page_view",
    "engagement": "$engagement",
}
ABSENT: Columns = dict.fromkeys(
    ("user_id", "anonymous_id", "session_id", "device_id", "page_url", "app_version", "os_name", "os_version")
)


def canonical(name: str) -> str:
    """The event type of what an SDK calls so."""
    return CANONICAL.get(name, name)


def read_rows(connection: Connection, run: Run) -> list[Row]:
    """The run's events as they are stored."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from events where project_id = %s", [run.project_id]).fetchall()


def by_type(rows: list[Row]) -> dict[str, Row]:
    """Rows by their type; none may occur twice."""
    assert len({row["event_type"] for row in rows}) == len(rows), [row["event_type"] for row in rows]
    return {row["event_type"]: row for row in rows}


def columns_of(row: Row) -> Columns:
    """The columns that a protocol fills, but time, id and properties."""
    return {name: row[name] for name in ABSENT}


def event_id(run: Run, item: wire.Item) -> UUID | None:
    """The id under which an event has to be stored; None when the SDK gave it none."""
    given = wire.id_of(item)
    return client_event_id(run.project_id, given) if given else None


def client_time(item: wire.Item) -> datetime:
    """When it happened, by the client's clock."""
    said = item.get("originalTimestamp") or item.get("timestamp")
    if said:
        return datetime.fromisoformat(said)
    return datetime.fromtimestamp(item["properties"]["$time"], UTC)


def assert_identity_and_time(run: Run, rows: dict[str, Row], behind: timedelta = ON_TIME) -> None:
    """Every event has the SDK's id and happened when the SDK says, however late it came, and whatever its
    clock is behind."""
    for name, item in run.sent().items():
        row = rows[canonical(name)]
        assert row["event_id"] == (event_id(run, item) or row["event_id"]), name
        assert abs(row["ts"] - client_time(item) - behind) < CLOCK, name


def read_users(connection: Connection, run: Run) -> dict[str, Any]:
    """The traits of the project's users."""
    statement = "select user_id, traits from users where project_id = %s"
    return dict(connection.execute(statement, [run.project_id]).fetchall())


def read_aliases(connection: Connection, run: Run) -> set[tuple[str, str]]:
    """(anonymous id, user id) of the project's merges."""
    statement = "select anonymous_id, user_id from user_aliases where project_id = %s"
    return set(connection.execute(statement, [run.project_id]).fetchall())


def read_groups(connection: Connection, run: Run) -> dict[tuple[str, str], Any]:
    """The traits of the project's groups, by (type, key)."""
    statement = "select group_type, group_key, traits from groups where project_id = %s"
    rows = connection.execute(statement, [run.project_id]).fetchall()
    return {(kind, key): traits for kind, key, traits in rows}
