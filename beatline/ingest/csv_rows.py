"""CSV: each row becomes the JSON text of an event as /track takes it, and nothing downstream knows more.

The header row names the fields of TrackedEvent; case, blanks, dashes and underscores do not matter. Every
other column is a property under the name as it is written. docs/imports.md says it all for users.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from beatline.events import Reason
from beatline.ingest.lines import Lines, TooLong
from beatline.ingest.pipeline import Unfit
from beatline.ingest.wire import TYPE_LENGTH, TrackedEvent

DELIMITERS = (",", ";", "\t")
MAX_COLUMNS = 1_000
ROW, REASON = "$row", "$reason"  # what rejected.csv adds; a mended one may be sent as it is

# Left out: sent_at. It tells how far a client's clock is off while it sends; in a file it is something else.
FIELD_NAMES = tuple(name for name in TrackedEvent.__struct_fields__ if name != "sent_at")
ALIASES = {
    "event": "event_type", "event_name": "event_type",
    "time": "timestamp", "event_time": "timestamp", "ts": "timestamp",
    "message_id": "event_id", "insert_id": "event_id",
}  # fmt: skip

# What JSON would read as a number. With more digits it is an id, with an exponent or a leading zero a code.
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?", re.ASCII)
BOOLEANS = {"true": True, "false": False}
NOT_PLAIN = re.compile(r"[^a-z0-9$]")
PROBLEM = b'["$problem",'

encode = msgspec.json.encode
track = msgspec.json.Decoder(TrackedEvent).decode


class BadFile(Exception):  # noqa: N818 - told to whoever sent it
    """The file as a whole cannot be used; errors is {field: [message]}."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.errors = {field: [message]}


class Row(NamedTuple):
    """A row: the line it starts in, its cells as written, and its event as JSON text."""

    line: int
    cells: list[str]
    raw: bytes


@dataclass(frozen=True)
class Columns:
    """What the columns of a file mean: (position, name) of the fields and of the properties."""

    names: list[str]
    fields: list[tuple[int, str]]
    properties: list[tuple[int, str]]
    delimiter: str
    default_type: str | None

    def event(self, cells: list[str]) -> dict[str, Any]:
        """The event of a row, fields that are absent left out."""
        width = len(cells)
        fields: dict[str, Any] = {} if self.default_type is None else {"event_type": self.default_type}
        for position, name in self.fields:
            if position < width and (text := cells[position].strip()):
                fields[name] = text
        properties = {
            name: typed(cells[position])
            for position, name in self.properties
            if position < width and cells[position]
        }
        given = fields.get("properties")
        if given is not None:
            fields["properties"] = json_object(given, properties)
        elif properties:
            fields["properties"] = properties
        return fields


def typed(text: str) -> str | int | float | bool:
    """A cell's value: JSON-looking numbers and true or false in any case as such, else the text."""
    match = NUMBER.fullmatch(text)
    if match:
        return float(text) if match[1] else int(text)
    return BOOLEANS.get(text.lower(), text) if len(text) <= 5 else text


def json_object(text: str, more: dict[str, Any]) -> dict[str, Any] | str:
    """The JSON object in a cell, with more members. What is none stays a text, and is refused as one."""
    try:
        return {**msgspec.json.decode(text, type=dict[str, Any]), **more}
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return text


def read_columns(lines: Lines, default_type: str | None) -> Columns:
    """The columns that the header row names. Raises BadFile."""
    lines.begin_row()
    try:
        header = next(lines, "")
    except TooLong as error:
        raise BadFile("header", str(error)) from None
    if lines.broken or "\0" in header:
        raise BadFile("header", "Not UTF-8.")
    read = [(parse_header(header, delimiter), delimiter) for delimiter in DELIMITERS]
    names, delimiter = max(read, key=lambda option: (len(meanings(option[0])), len(option[0])))
    return columns_of(names, delimiter, default_type)


def parse_header(header: str, delimiter: str) -> list[str]:
    """The names in a header row; none when it cannot be read with this delimiter."""
    try:
        return [name.strip() for name in next(csv.reader([header], delimiter=delimiter, strict=True), [])]
    except csv.Error:
        return []


def columns_of(names: list[str], delimiter: str, default_type: str | None) -> Columns:
    """What columns of these names mean. Raises BadFile."""
    check_names(names)
    if default_type is not None and not 1 <= len(default_type) <= TYPE_LENGTH:
        raise BadFile("event_type", f"Length must be between 1 and {TYPE_LENGTH}.")
    known = meanings(names)
    if default_type is None and "event_type" not in known.values():
        raise BadFile(
            "event_type", "No column is named event_type, and no ?event_type= says it for all rows."
        )
    properties = [
        (position, name)
        for position, name in enumerate(names)
        if position not in known and name and name not in (ROW, REASON)
    ]
    return Columns(names, list(known.items()), properties, delimiter, default_type)


def check_names(names: list[str]) -> None:
    """Raise BadFile unless every column can be told from the others."""
    if not any(names):
        raise BadFile("header", "The first row has to name the columns, divided by comma, semicolon or tab.")
    if len(names) > MAX_COLUMNS:
        raise BadFile("header", f"More than {MAX_COLUMNS} columns.")
    seen: set[str] = set()
    for name in filter(None, names):
        same = FIELDS.get(plain(name), name)
        if same in seen:
            raise BadFile("header", f"Two columns are named {same}.")
        seen.add(same)


def meanings(names: list[str]) -> dict[int, str]:
    """The fields among the columns, by position. Another name of a field counts when it has no column of its
    own and no earlier one."""
    known = {place: FIELDS[plain(name)] for place, name in enumerate(names) if plain(name) in FIELDS}
    for place, name in enumerate(names):
        meant = OTHER_NAMES.get(plain(name))
        if meant and meant not in known.values():
            known[place] = meant
    return known


def plain(name: str) -> str:
    """A column's name without what does not matter: userId, "User ID" and user_id are the same."""
    return NOT_PLAIN.sub("", name.lower())


FIELDS = {plain(name): name for name in FIELD_NAMES}
OTHER_NAMES = {plain(name): field for name, field in ALIASES.items()}


def read_rows(lines: Lines, columns: Columns) -> Iterator[Row]:
    """The rows below the header; those without any value are passed over. One that cannot be read is given
    as its text, with an event that decode_row refuses."""
    csv.field_size_limit(max(csv.field_size_limit(), lines.max_bytes))  # one for the process; Lines bounds
    reader = csv.reader(lines, delimiter=columns.delimiter, strict=True)
    while True:
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, TooLong) as error:
            problem = f"Not valid CSV: {error}." if isinstance(error, csv.Error) else str(error)
            yield Row(lines.first, [lines.text()], refused(problem, [lines.text()]))
        else:
            if any(cells):
                yield Row(lines.first, cells, row_event(columns, cells, lines.broken))


def row_event(columns: Columns, cells: list[str], broken: bool) -> bytes:
    """The event of a row as JSON text."""
    if broken:
        return refused("Not UTF-8.", cells)
    if any(cells[len(columns.names) :]):
        return refused("More cells than columns.", cells)
    return encode(columns.event(cells))


def refused(problem: str, cells: list[str]) -> bytes:
    """Stands for the event of a row that has none: a JSON list of what is wrong and what there is."""
    return encode(["$problem", problem, *cells])


def decode_row(raw: bytes | msgspec.Raw) -> TrackedEvent:
    """The event of a row. Raises msgspec.ValidationError, Unfit for a row that could not be read."""
    text = bytes(raw)
    if text.startswith(PROBLEM):
        raise Unfit(Reason.MALFORMED, {"row": [msgspec.json.decode(text)[1]]})
    return track(text)
