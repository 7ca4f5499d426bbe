"""Events as the collector takes them (docs/api.md, POST /track), as JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from beatline_client.errors import InvalidEventError

IDENTIFIERS = frozenset(
    ("user_id", "distinct_id", "anonymous_id", "session_id", "device_id", "event_id")
)  # fmt: skip
FIELDS = IDENTIFIERS | {"event_type", "timestamp", "page_url", "app_version", "os_name", "os_version"}


def encode(event: Mapping[str, Any]) -> bytes:
    """An event as JSON in UTF-8.

    Dates and times become ISO 8601, UUIDs text, Decimals numbers, enumerations their values, sets lists.
    Raises InvalidEventError for what is no JSON: other objects, NaN, infinity, lone surrogates, cycles.
    """
    try:
        return ENCODER.encode(event).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidEventError(f"the event is no JSON: {error}") from error


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are there, neither None nor ""; ids that are numbers or UUIDs become texts."""
    return {
        name: str(value) if name in IDENTIFIERS and type(value) in (int, UUID) else value
        for name, value in fields.items()
        if value is not None and value != ""
    }


def timestamp_of(given: datetime | str | None) -> str:
    """The time of an event as ISO 8601: now, unless one is given; one without a zone is UTC."""
    if given is None:
        return datetime.now(UTC).isoformat()
    return given.isoformat() if isinstance(given, datetime) else given


def _plain(value: object) -> object:
    """JSON for what is none by itself."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
