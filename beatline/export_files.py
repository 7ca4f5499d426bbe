"""What the files of exports hold: events as PostgreSQL writes them, and tables of reports.

Millions of events are no work for Python: PostgreSQL writes the lines (COPY … TO STDOUT), which are only
passed on, or read by Arrow. Parameters of COPY are bound by the client (psycopg's Cursor.copy), since the
server takes none there.

Events are read in parts of time of a bounded number of rows, each in a transaction of its own, all of which
see what a first one sees. So an export is of one moment, and holds no lock on a partition for longer than
a part takes. Retention may drop one meanwhile, which no snapshot keeps it from: then the oldest event is not
there any more at the end, and the file is no good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple, Protocol

import msgspec
from psycopg import ClientCursor, Connection

from beatline.analytics.event_export import csv_header, csv_text, safe
from beatline.analytics.event_log import LAST, Filter, Page, Part, Place, cut, equalities, ranges
from beatline.analytics.event_totals import Total, total
from beatline.errors import BeatlineError
from beatline.events import utc_now
from beatline.property_indexes import find_indexed
from beatline.reports.printed import as_document
from beatline.reports.result import Column, Result, rows_of, text_of
from beatline.storage.queries import query

ROWS_AT_ONCE = 500  # between two looks whether the export is still wanted
GROUP_ROWS = 50_000  # of Parquet
GROUP_BYTES = 16 * 2**20  # of text: rows may be a megabyte each
SOME_PAGE = Page([], Place(LAST))  # behind which there is more

OnRows = Callable[[int], None]
"""Is told how many rows are written; raises to end the export."""


class EventsDropped(BeatlineError):  # noqa: N818 - what happened
    """Retention dropped events while they were read; reading anew gives what is left."""


class EventFile(Protocol):
    """Takes lines of events."""

    def write(self, line: Any) -> object:
        """Add the line of an event; bytes or the like."""

    def end(self) -> None:
        """Write what is left. The file itself stays open."""


# Events


def expected_events(connection: Connection, wanted: Filter) -> Total:
    """How many events an export will have; exact, or about so many."""
    counted = total(connection, wanted, None, SOME_PAGE)
    return counted or Total(0, False)


@contextmanager
def shared_snapshot(connection: Connection) -> Iterator[str]:
    """The name of a snapshot that other connections may read until the end of the block."""
    with connection.transaction():
        connection.execute(query("export_snapshot_begin"))
        row = connection.execute(query("export_snapshot_share")).fetchone()
        yield row[0] if row else ""


class Events(NamedTuple):
    """What to read, and where. snapshot: of shared_snapshot; None: each part is read as it is then."""

    connection: Connection
    wanted: Filter
    snapshot: str | None = None


def write_events(events: Events, statement: str, to: EventFile, on_rows: OnRows) -> int:
    """Write all events that pass the filter, the newest first; how many. statement: a COPY that gives a line
    for each event.

    Raises EventsDropped when some were dropped meanwhile, of which only a snapshot can tell.
    """
    rows, oldest = 0, oldest_event(events)
    for part in parts_to_read(events):
        on_rows(rows)
        for line in read_part(events, part, statement):
            to.write(line)
            rows += 1
            if rows % ROWS_AT_ONCE == 0:
                on_rows(rows)
    to.end()
    on_rows(rows)
    if events.snapshot and oldest_event(events) != oldest:
        raise EventsDropped("Retention dropped events while they were read.")
    return rows


def oldest_event(events: Events) -> datetime | None:
    """The time of the oldest event of the project in the filter's time."""
    wanted = events.wanted
    parameters = {"project_id": wanted.project_id, "since": wanted.since, "until": wanted.until}
    with of_one_moment(events):
        row = events.connection.execute(query("export_oldest"), parameters).fetchone()
    return row[0] if row else None


@contextmanager
def of_one_moment(events: Events) -> Iterator[None]:
    """A transaction that sees what the snapshot does, and reads in the order of time."""
    connection = events.connection
    with connection.transaction():
        if events.snapshot:
            connection.execute(query("export_snapshot_begin"))
            ClientCursor(connection).execute(query("export_snapshot_use"), {"snapshot": events.snapshot})
        connection.execute(query("event_log_planning"))
        yield


def parts_to_read(events: Events) -> Iterator[Part]:
    """The time in which there may be events that pass, the newest first, in parts of few rows."""
    connection, wanted, _ = events
    indexed = find_indexed(connection, wanted.project_id, equalities(wanted), utc_now())
    for part in ranges(connection, wanted, None):
        base = indexed if indexed and part.until > indexed.since else None
        yield from cut(connection, wanted.project_id, part, base)


def read_part(events: Events, part: Part, statement: str) -> Iterator[Any]:
    """The lines of the events of a part of time."""
    parameters = events.wanted.parameters() | part._asdict()
    with (
        of_one_moment(events),
        events.connection.cursor() as cursor,
        cursor.copy(query(statement), parameters) as lines,
    ):
        yield from lines


class TextLines:
    """A file that holds the lines as they come."""

    def __init__(self, file: BinaryIO, header: bytes) -> None:
        file.write(header)
        self.write = file.write

    def end(self) -> None:
        """Nothing is left."""


class ParquetEvents:
    """A Parquet file of events, read by Arrow from lines of CSV. Holds one row group at a time."""

    def __init__(self, file: BinaryIO) -> None:
        import pyarrow as pa  # noqa: PLC0415 - large, and only for this format
        from pyarrow import csv, parquet  # noqa: PLC0415

        moment = pa.timestamp("us", tz="UTC")
        text = [name for name in EVENT_COLUMNS if name not in ("ts", "received_at")]
        kept = {"event_id", "event_type", "properties"}
        fields = {name: pa.field(name, pa.string(), nullable=name not in kept) for name in text}
        times = {name: pa.field(name, moment, nullable=False) for name in ("ts", "received_at")}
        self.schema = pa.schema([(fields | times)[name] for name in EVENT_COLUMNS])
        self.csv = csv
        self.open_buffer = pa.BufferReader
        self.convert = csv.ConvertOptions(
            column_types=self.schema, strings_can_be_null=True, quoted_strings_can_be_null=False,
            null_values=[""], check_utf8=False,
        )  # fmt: skip
        self.writer = parquet.ParquetWriter(file, self.schema, compression="zstd")
        self.lines = bytearray()
        self.rows = 0

    def write(self, line: Any) -> None:
        """Add an event."""
        self.lines += line
        self.rows += 1
        if self.rows >= GROUP_ROWS or len(self.lines) >= GROUP_BYTES:
            self.write_group()

    def write_group(self) -> None:
        """Write what has come as a row group."""
        table = self.csv.read_csv(
            self.open_buffer(bytes(self.lines)),
            self.csv.ReadOptions(
                use_threads=False, column_names=EVENT_COLUMNS, block_size=len(self.lines) + 1
            ),
            self.csv.ParseOptions(newlines_in_values=True),
            self.convert,
        )
        self.writer.write_table(table.cast(self.schema))
        self.lines.clear()
        self.rows = 0

    def end(self) -> None:
        """Write the last group and the footer."""
        if self.rows:
            self.write_group()
        self.writer.close()


EVENT_COLUMNS = [
    "event_id", "ts", "received_at", "event_type", "user_id", "anonymous_id", "session_id", "device_id",
    "page_url", "app_version", "os_name", "os_version", "properties",
]  # fmt: skip


class EventFormat(NamedTuple):
    """The statement that gives the lines, and what takes them."""

    statement: str
    open: Callable[[BinaryIO], EventFile]


EVENT_FORMATS: dict[str, EventFormat] = {
    "csv": EventFormat("export_events_csv", lambda file: TextLines(file, csv_header())),
    "ndjson": EventFormat("export_events_ndjson", lambda file: TextLines(file, b"")),
    "parquet": EventFormat("export_events_plain", ParquetEvents),
}


# Reports


def report_csv(name: str, result: Result, file: BinaryIO) -> None:
    """The table as CSV. Text that a spreadsheet would run is made harmless; numbers stay numbers."""
    file.write(csv_text([[safe(column) for column in column_names(result.columns)]]))
    file.write(csv_text([as_cell(value) for value in row] for row in rows_of(result)))


def report_ndjson(name: str, result: Result, file: BinaryIO) -> None:
    """The table as JSON, an object a row, times in ISO 8601."""
    names = column_names(result.columns)
    rows = (dict(zip(names, row, strict=True)) for row in rows_of(result))
    file.write(msgspec.json.Encoder().encode_lines(rows))


def report_parquet(name: str, result: Result, file: BinaryIO) -> None:
    """The table as Parquet. Values of properties, which may be of any type, are text."""
    import pyarrow as pa  # noqa: PLC0415 - large, and only for this format
    from pyarrow import parquet  # noqa: PLC0415

    types = {
        "time": pa.timestamp("us", tz="UTC"), "text": pa.string(), "value": pa.string(),
        "integer": pa.int64(), "number": pa.float64(),
    }  # fmt: skip
    names = column_names(result.columns)
    schema = pa.schema(
        [(name, types[column.type]) for name, column in zip(names, result.columns, strict=True)]
    )
    rows = [as_columns(row, result.columns) for row in rows_of(result)]
    columns = list(zip(*rows, strict=True)) or [() for _ in names]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), file, compression="zstd")


def report_pdf(name: str, result: Result, file: BinaryIO) -> None:
    """The report to be handed to somebody."""
    from beatline.reports.pdf import write_pdf  # noqa: PLC0415 - large, and only for this format

    write_pdf(as_document(name, result), file)


REPORT_FORMATS: dict[str, Callable[[str, Result, BinaryIO], None]] = {
    "csv": report_csv, "ndjson": report_ndjson, "parquet": report_parquet, "pdf": report_pdf,
}  # fmt: skip


def column_names(columns: list[Column]) -> list[str]:
    """Names that tell the columns apart: a property may be called as the measure is."""
    names: list[str] = []
    for column in columns:
        name, number = column.name, 1
        while name in names:
            number += 1
            name = f"{column.name} {number}"
        names.append(name)
    return names


def as_cell(value: Any) -> str:
    """A value of the table as a cell; empty for none."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return safe(value) if isinstance(value, str) else text_of(value)


def as_columns(row: Iterable[Any], columns: list[Column]) -> list[Any]:
    """A row with its values as text where their column has values of any type."""
    return [
        text_of(value) if column.type == "value" and value is not None else value
        for value, column in zip(row, columns, strict=True)
    ]
