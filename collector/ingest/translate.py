"""What the translations of SDKs share: values are read as loosely as SDKs write them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from beatline.ingest.pipeline import parse_time, url_fits
from beatline.ingest.wire import ID_LENGTH, TEXT_LENGTH, TrackedEvent

Fields = dict[str, Any]

TRUSTED_SKEW = timedelta(seconds=120)  # CONTRACTS, section 10, rule 7

read_fields = msgspec.json.Decoder(Fields).decode


def invalid(field: str, message: str) -> msgspec.ValidationError:
    """What to raise for an event that lacks something."""
    return msgspec.ValidationError(f"{field}: {message}")


def text(value: Any) -> str | None:
    """A non-empty text; numbers are written as such, everything else is absent."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def first_text(values: Iterable[Any]) -> str | None:
    """The first value that is a text or a number."""
    return next(filter(None, map(text, values)), None)


def object_at(fields: Fields, name: str) -> Fields:
    """The object under a name, empty when absent; an empty list is how PHP writes an empty object.

    Raises msgspec.ValidationError for anything else.
    """
    value = fields.get(name)
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise invalid(name, "Not an object.")
    return value


def object_or_empty(value: Any) -> Fields:
    """The value, when it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def without_nulls(fields: Fields) -> Fields:
    """The fields that have a value: browsers send null by the dozen."""
    return {name: value for name, value in fields.items() if value is not None}


def fits(column: str, value: str) -> bool:
    """Whether a value fits a column of the event; what does not stays where it was found."""
    if column == "page_url":
        return url_fits(value)
    return len(value) <= (ID_LENGTH if column.endswith("_id") else TEXT_LENGTH)


def take(fields: Fields, name: str, column: str) -> str | None:
    """The text under a name, taken out of fields, when it is one that fits the column."""
    value = text(fields.get(name))
    if value is None or not fits(column, value):
        return None
    del fields[name]
    return value


def time_of(seconds: Any) -> str | None:
    """Seconds since 1970 as an ISO 8601 text; None when it is no such number."""
    try:
        return datetime.fromtimestamp(float(seconds), UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def unless_close(sent_at: str | None, received_at: datetime) -> str | None:
    """The time of sending as a server's SDK gives it, unless the server's clock is about right: then what
    lies between is a retry's delay (CONTRACTS, section 10, rule 7)."""
    if sent_at is None:
        return None
    try:
        return None if abs(parse_time(sent_at) - received_at) < TRUSTED_SKEW else sent_at
    except (ValueError, OverflowError):
        return None


def tracked(**fields: Any) -> TrackedEvent:
    """The event as the pipeline takes it. Raises msgspec.ValidationError where a field is too long."""
    return msgspec.convert(fields, TrackedEvent)
