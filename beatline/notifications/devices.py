"""Devices: where somebody is told, and what became of what was sent there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from beatline.errors import NotPossible
from beatline.events import uuid7
from beatline.notifications.channels import (
    ApnsTarget,
    EmailTarget,
    FcmTarget,
    Target,
    WebhookTarget,
    WebPushTarget,
)
from beatline.storage.queries import query

MOST_DEVICES = 20  # of an account
SHOWN_OF_TOKEN = 8


@dataclass(frozen=True)
class Device:
    """A device of an account. failures: deliveries in a row that failed; unregistered_at: since when the
    provider says that it is gone."""

    device_id: UUID
    channel: str
    target: dict[str, Any]
    name: str
    registered_at: datetime
    last_seen_at: datetime
    failures: int
    last_error: str | None
    unregistered_at: datetime | None

    @property
    def address(self) -> str:
        """Enough of the target to tell devices apart, and no secret of it."""
        return shown(target_of(self.target))


def target_of(stored: dict[str, Any]) -> Target:
    """A target as it is kept."""
    target: Target = msgspec.convert(stored, Target)
    return target


def shown(target: Target) -> str:
    """Enough of a target to tell it from others, and no secret of it."""
    match target:
        case FcmTarget() | ApnsTarget():
            return f"…{target.token[-SHOWN_OF_TOKEN:]}"
        case WebPushTarget():
            return urlsplit(target.endpoint).netloc
        case EmailTarget():
            return target.address
        case WebhookTarget():
            return target.url


def target_hash(target: Target, account_id: UUID) -> bytes:
    """What tells targets of a channel apart.

    Who has an app's or a browser's token has the device, so it is one device whoever signs in there.
    Addresses and URLs may be known to many, so each account has its own.
    """
    match target:
        case FcmTarget():
            parts = [target.token]
        case ApnsTarget():
            parts = [target.token.lower()]
        case WebPushTarget():
            parts = [target.endpoint]
        case EmailTarget():
            parts = [str(account_id), target.address]
        case WebhookTarget():
            parts = [str(account_id), target.url]
    return hashlib.sha256("\0".join(parts).encode()).digest()


def register(
    connection: Connection, account_id: UUID, target: Target, name: str, now: datetime
) -> tuple[Device, bool]:
    """The device of a target, and whether it is new to the account. In a transaction.

    One of another account is forgotten with all that waits for it. Raises NotPossible when there are too
    many.
    """
    connection.execute(query("account_hold"), {"account_id": account_id})
    stored = msgspec.to_builtins(target)
    parameters = {
        "device_id": uuid7(),
        "account_id": account_id,
        "channel": stored["channel"],
        "target": Jsonb(stored),
        "target_hash": target_hash(target, account_id),
        "name": name,
        "now": now,
        "most": MOST_DEVICES,
    }
    connection.execute(query("device_of_others_delete"), parameters)
    with connection.cursor(row_factory=class_row(Device)) as rows:
        if known := rows.execute(query("device_refresh"), parameters).fetchone():
            return known, False
        made = rows.execute(query("device_add"), parameters).fetchone()
    if made is None:
        raise NotPossible(f"an account has at most {MOST_DEVICES} devices: delete one first")
    return made, True


def list_devices(connection: Connection, account_id: UUID) -> list[Device]:
    """Somebody's devices, the latest registered first."""
    with connection.cursor(row_factory=class_row(Device)) as rows:
        return rows.execute(query("devices"), {"account_id": account_id}).fetchall()


def find_device(connection: Connection, account_id: UUID, device_id: UUID) -> Device | None:
    """A device of somebody's."""
    return next((each for each in list_devices(connection, account_id) if each.device_id == device_id), None)


def known_webhook(connection: Connection, account_id: UUID, url: str) -> WebhookTarget | None:
    """Somebody's webhook of a URL, as it is kept."""
    targets = (target_of(each.target) for each in list_devices(connection, account_id))
    return next((each for each in targets if isinstance(each, WebhookTarget) and each.url == url), None)


def delete_device(connection: Connection, account_id: UUID, device_id: UUID) -> bool:
    """Forget a device of somebody's, with all that waits for it; false when there is none."""
    parameters = {"account_id": account_id, "device_id": device_id}
    return connection.execute(query("device_delete"), parameters).rowcount > 0


def queue_test(connection: Connection, device_id: UUID, now: datetime) -> UUID | None:
    """Queue a notification for one device, once a minute; its delivery, None for a second one. In a
    transaction."""
    minute = now.replace(second=0, microsecond=0)
    parameters = {
        "key": f"test:{device_id}:{minute.isoformat()}",
        "device_id": device_id,
        "delivery_id": uuid7(),
        "now": now,
    }
    row = connection.execute(query("delivery_test"), parameters).fetchone()
    return row[0] if row else None


def read_deliveries(
    connection: Connection, device_id: UUID, cursor: int | None, limit: int
) -> list[dict[str, Any]]:
    """What was sent to a device, with every attempt, the newest first below a notification's id."""
    parameters = {"device_id": device_id, "cursor": cursor, "limit": limit}
    with connection.cursor(row_factory=dict_row) as rows:
        return rows.execute(query("deliveries_page"), parameters).fetchall()
