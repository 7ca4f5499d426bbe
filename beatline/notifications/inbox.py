"""The inbox: every notification that somebody was sent, whether anything reached a device or not."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import dict_row

from beatline.storage.queries import query, read_count

STREAMS = "beatline:notifications:"  # channels of Valkey: this and the account's id


class Streamed(msgspec.Struct):
    """A notification as the live stream shows it. The inbox has the same fields."""

    notification_id: int
    kind: str
    severity: str
    title: str
    body: str
    path: str | None
    project_id: int | None
    collapse: str
    created_at: datetime


def read_inbox(
    connection: Connection, account_id: UUID, cursor: int | None, limit: int, *, unread: bool
) -> list[dict[str, Any]]:
    """Somebody's notifications, the newest first, below a cursor; unread: only those."""
    parameters = {"account_id": account_id, "cursor": cursor, "limit": limit, "unread": unread}
    with connection.cursor(row_factory=dict_row) as rows:
        return rows.execute(query("inbox_page"), parameters).fetchall()


def count_unread(connection: Connection, account_id: UUID) -> int:
    """How many of somebody's notifications are unread."""
    return read_count(connection, "inbox_unread", {"account_id": account_id})


def mark_read(connection: Connection, account_id: UUID, notification_id: int, now: datetime) -> bool:
    """Note that somebody has read one; false when it is not theirs."""
    parameters = {"account_id": account_id, "notification_id": notification_id, "now": now}
    return connection.execute(query("inbox_read"), parameters).rowcount > 0


def mark_all_read(connection: Connection, account_id: UUID, up_to: int, now: datetime) -> None:
    """Note that somebody has read all up to one."""
    parameters = {"account_id": account_id, "up_to": up_to, "now": now}
    connection.execute(query("inbox_read_up_to"), parameters)
