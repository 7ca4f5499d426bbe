"""The outbox: a notification is queued in the transaction of what it tells of, once for each key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from beatline.accounts.access import ALLOWED, Permission
from beatline.storage.queries import query

KINDS = ("alert", "watch", "report", "export")
SEVERITIES = ("info", "warning", "critical")
TITLE_LENGTH, BODY_LENGTH = 200, 4_000

WHO_READ_ALERTS = [role.value for role, allowed in ALLOWED.items() if Permission.READ_ALERTS in allowed]


@dataclass(frozen=True)
class Notification:
    """Something to tell people.

    key: the same one is queued once, whoever queues it ("watch:17:2026-01-01T00:00:00Z:firing"). kind: what
    it is about, as preferences know it: "alert" (Grafana's), "watch", "report", "export". severity: info,
    warning or critical. path: of the console's page about it. account_ids: whom it is for; None: all who may
    read alerts. collapse: later ones with the same text take the place of earlier ones on a device.
    """

    key: str
    kind: str
    title: str
    body: str
    severity: str = "info"
    path: str | None = None
    project_id: int | None = None
    account_ids: list[UUID] | None = None
    collapse: str | None = None


def notify(connection: Connection, notification: Notification, now: datetime) -> None:
    """Queue a notification in the caller's transaction. Titles and bodies that are too long are cut."""
    parameters = vars(notification) | {
        "title": fitting(notification.title, TITLE_LENGTH) or notification.kind,
        "body": fitting(notification.body, BODY_LENGTH),
        "collapse": notification.collapse or notification.key,
        "roles": WHO_READ_ALERTS,
        "now": now,
    }
    connection.execute(query("notification_add"), parameters)


def fitting(text: str, length: int) -> str:
    """A text as the database takes it, without what is too much."""
    text = text.replace("\0", "").strip()
    return text if len(text) <= length else text[: length - 1] + "…"
