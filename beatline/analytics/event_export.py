"""Events as lines of NDJSON and CSV. A cell that a spreadsheet would run as a formula is made text.

OWASP, CSV Injection: cells that begin with = + - @, a tab, a carriage return or a line feed, or with the wide
forms of these signs, get a ' in front, and every cell stands in quotes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from io import StringIO
from typing import Any

import msgspec

from beatline.analytics.event_log import StoredEvent

COLUMNS = StoredEvent.__struct_fields__
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
encoder = msgspec.json.Encoder()

Lines = Callable[[Iterable[StoredEvent]], bytes]


def ndjson(events: Iterable[StoredEvent]) -> bytes:
    """Events as JSON, one a line."""
    return encoder.encode_lines(events)


def csv_rows(events: Iterable[StoredEvent]) -> bytes:
    """Events as CSV, properties as JSON in one cell."""
    return csv_text([cell(value) for value in msgspec.structs.astuple(event)] for event in events)


def csv_header() -> bytes:
    """The names of the columns."""
    return csv_text([COLUMNS])


def csv_text(rows: Iterable[Iterable[str]]) -> bytes:
    """Rows as CSV (RFC 4180) in UTF-8."""
    text = StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """A value as a cell that is only text; empty for none."""
    if value is None:
        return ""
    if isinstance(value, msgspec.Raw):
        return safe(bytes(value).decode())
    return safe(value if isinstance(value, str) else msgspec.to_builtins(value))


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
