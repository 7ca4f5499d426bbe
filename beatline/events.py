"""The canonical event: what every protocol is translated into, and nothing downstream of it knows more.

Identity (DESIGN "Dedupe"): an id given by the client is unique per project; one that is no UUID becomes a
UUIDv5 of project and id. Ids that we make are UUIDv7 (RFC 9562), need no dedupe and sort by time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from enum import StrEnum
from random import getrandbits
from typing import Any
from uuid import UUID, uuid5

import msgspec

DEFAULT_PROJECT = 1
CLIENT_ID_NAMESPACE = UUID("6f1c3c52-0e0b-5f63-9c3e-6d8f1b0a7e11")


class Reason(StrEnum):
    """Why an event was refused. Counted under this name, stored with rejected events."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    TIMESTAMP = "timestamp"
    CHARACTER = "character"
    TOO_LARGE = "too_large"
    SCHEMA = "schema"
    UNAUTHORIZED = "unauthorized"
    PAUSED = "paused"
    RATE_LIMITED = "rate_limited"
    STORAGE = "storage"


class Event(msgspec.Struct, gc=False, omit_defaults=True):
    """One event as it is stored; field names are the columns of the events table.

    properties is JSON text. profile is what the event says of its user, a Profile as JSON, or null.
    client_id says that event_id came from the client, so the ledger checks it.
    """

    project_id: int
    event_id: UUID
    ts: datetime
    received_at: datetime
    event_type: str
    user_id: str | None = None
    anonymous_id: str | None = None
    session_id: str | None = None
    device_id: str | None = None
    page_url: str | None = None
    app_version: str | None = None
    os_name: str | None = None
    os_version: str | None = None
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    profile: msgspec.Raw = msgspec.Raw(b"null")
    client_id: bool = False


class Group(msgspec.Struct, gc=False, omit_defaults=True):
    """What an event says of a group: a company, a team."""

    type: str
    key: str
    set: dict[str, Any] = {}


class Profile(msgspec.Struct, gc=False, omit_defaults=True):
    """What an event says of its user: traits (set: newer ones win, null unsets; set_once: the first one
    stays), an id they were known by before, a group they belong to."""

    set: dict[str, Any] | None = None
    set_once: dict[str, Any] | None = None
    merge: str | None = None
    group: Group | None = None


class RejectedEvent(msgspec.Struct, gc=False, omit_defaults=True):
    """An event refused from a batch, as it is stored in rejected_events; errors is JSON
    text, raw is what came, event the event itself where it was understood."""

    project_id: int
    received_at: datetime
    source: str
    reason: str
    errors: msgspec.Raw
    raw: str
    event: Event | None = None


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of Unix milliseconds, then random bits (RFC 9562, section 5.7).

    The bits need not be secret. getrandbits keeps the interpreter's lock, which os.urandom gives up.
    """
    milliseconds = time.time_ns() // 1_000_000
    head = milliseconds << 16 | 0x7000 | getrandbits(12)
    return UUID(int=head << 64 | 0x8000_0000_0000_0000 | getrandbits(62))


def client_event_id(project_id: int, given: str) -> UUID:
    """The stored id for an id that a client gave: the UUID itself, else UUIDv5 of project and text."""
    if len(given) == 36:
        try:
            return UUID(given)
        except ValueError:
            pass
    return uuid5(CLIENT_ID_NAMESPACE, f"{project_id}:{given}")


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)
