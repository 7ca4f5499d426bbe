"""Files of events, CSV or NDJSON, read from any place in them. The first character says which it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from beatline.ingest.csv_rows import BadFile, Row, decode_row, read_columns, read_rows, refused
from beatline.ingest.lines import BOM, Lines, TooLong
from beatline.ingest.wire import TrackedEvent

JSON_COLUMN = "json"  # of the rejected lines of NDJSON, which has no columns
SNIFFED = 2**16
ROW_OVERHEAD = 2**16

Decode = Callable[[bytes | msgspec.Raw], TrackedEvent]


@dataclass(frozen=True)
class EventFile:
    """A file that is being read: the names of its columns, its rows, what makes an event of a row's raw, and
    the lines, which know the place after the last row."""

    columns: list[str]
    rows: Iterator[Row]
    decode: Decode
    lines: Lines


def open_events(
    file: BinaryIO, default_type: str | None, max_event_bytes: int, offset: int = 0, number: int = 0
) -> EventFile:
    """Read a file of events from a place that a reading of it reached: bytes, and lines. Raises BadFile."""
    max_row_bytes = 2 * max_event_bytes + ROW_OVERHEAD  # quotes inside of quotes are doubled
    lines = Lines(file, max_row_bytes)
    if is_ndjson(file):
        columns, rows, decode = [JSON_COLUMN], read_json_lines, line_decoder(default_type)
    else:
        csv_columns = read_columns(lines, default_type)
        columns, decode = csv_columns.names, decode_row

        def rows(lines: Lines) -> Iterator[Row]:
            return read_rows(lines, csv_columns)

    if offset:
        lines = Lines(file, max_row_bytes, offset, number)
    return EventFile(columns, rows(lines), decode, lines)


def is_ndjson(file: BinaryIO) -> bool:
    """Whether a file starts as a JSON object does. Raises BadFile when it is empty."""
    file.seek(0)
    head = file.read(SNIFFED)
    file.seek(0)
    if not head.strip():
        raise BadFile("file", "Empty.")
    return head.removeprefix(BOM).lstrip().startswith(b"{")


def read_json_lines(lines: Lines) -> Iterator[Row]:
    """The lines that hold anything."""
    while True:
        lines.begin_row()
        try:
            line = lines.read()
        except TooLong as error:
            yield Row(lines.first, [""], refused(str(error), []))
            continue
        if not line:
            return
        if text := line.strip():
            yield Row(lines.first, [text.decode(errors="replace")], text)


def line_decoder(default_type: str | None) -> Decode:
    """What makes an event of a line, with a type for those that name none. As in CSV there is no sent_at."""

    def decode(raw: bytes | msgspec.Raw) -> TrackedEvent:
        event = decode_row(raw if default_type is None else with_type(bytes(raw), default_type))
        event.sent_at = None
        return event

    return decode


def with_type(raw: bytes, event_type: str) -> bytes:
    """The JSON text of an event, of a type when it names none."""
    event = msgspec.json.decode(raw)
    if not isinstance(event, dict) or event.get("event_type"):
        return raw
    return msgspec.json.encode({**event, "event_type": event_type})
