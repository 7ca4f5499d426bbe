"""The audit log: every administrative change, in the transaction of the change itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from beatline.accounts.access import Caller
from beatline.storage.queries import query


@dataclass(frozen=True)
class Actor:
    """Who changes something, and from where. request_id finds the request in the logs."""

    caller: Caller
    ip_address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Change:
    """What was changed: the action in words ('write key rotated'), its subject, and both states as JSON."""

    action: str
    subject: str
    project_id: int | None = None
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class Entry:
    """A change in the log."""

    audit_id: int
    at: datetime
    actor: str
    account_id: UUID | None
    ip_address: str | None
    request_id: str | None
    project_id: int | None
    action: str
    subject: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Choice:
    """Which entries; None: any. project_ids: those that may be seen; None: all, and what is of no project."""

    project_ids: list[int] | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def note(connection: Connection, actor: Actor, change: Change, now: datetime) -> None:
    """Add a change to the log. Call it in the transaction that makes the change."""
    parameters = {
        "at": now,
        "actor": actor.caller.name,
        "account_id": actor.caller.account_id,
        "ip_address": actor.ip_address,
        "request_id": actor.request_id,
        "project_id": change.project_id,
        "action": change.action,
        "subject": change.subject,
        "before": as_json(change.before),
        "after": as_json(change.after),
    }
    connection.execute(query("audit_note"), parameters)


def as_json(state: Any) -> str | None:
    """A state as JSON text; None stays none."""
    return None if state is None else msgspec.json.encode(state).decode()


def read_log(connection: Connection, choice: Choice, cursor: int | None, limit: int) -> list[Entry]:
    """The newest entries below a cursor."""
    parameters = vars(choice) | {"cursor": cursor, "limit": limit}
    with connection.cursor(row_factory=class_row(Entry)) as rows:
        return rows.execute(query("audit_log"), parameters).fetchall()
