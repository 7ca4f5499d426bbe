"""Events as Parquet: the columns of the events table, in the order of time, in row groups of bounded size.

Whoever reads or writes here holds one row group in memory and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_hex
from struct import unpack
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from beatline.archive.manifest import ArchiveDamaged, Content

GROUP_ROWS = 50_000
GROUP_BYTES = 16 * 2**20  # of text: rows may be a megabyte each
PART_ROWS = 1_000_000

# A row: project_id, id as 16 bytes, ts and received_at in microseconds since 1970, … as SCHEMA has them.
EventRow: TypeAlias = tuple[Any, ...]
EVENT_ID, TS = 1, 2
MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("project_id", pa.int32(), nullable=False),
        pa.field("event_id", pa.uuid(), nullable=False),
        pa.field("ts", MOMENT, nullable=False),
        pa.field("received_at", MOMENT, nullable=False),
        pa.field("event_type", pa.string(), nullable=False),
        pa.field("user_id", pa.string()),
        pa.field("anonymous_id", pa.string()),
        pa.field("session_id", pa.string()),
        pa.field("device_id", pa.string()),
        pa.field("page_url", pa.string()),
        pa.field("app_version", pa.string()),
        pa.field("os_name", pa.string()),
        pa.field("os_version", pa.string()),
        pa.field("properties", pa.string(), nullable=False),  # JSON
    ]
)
TIMES = ("ts", "received_at")
REPEATING = [name for name in SCHEMA.names if name not in (*TIMES, "event_id", "properties")]
WRITING: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 6,
    "use_dictionary": REPEATING,
    "column_encoding": dict.fromkeys(TIMES, "DELTA_BINARY_PACKED"),
    "write_statistics": [name for name in SCHEMA.names if name != "properties"],
    "write_page_checksum": True,
}


class Place(NamedTuple):
    """Where in a day an event is: the order of rows, the same as of (ts, event_id) in the database."""

    ts: int
    event_id: bytes


class Measured(NamedTuple):
    """What a file holds. first_ts and last_ts are in microseconds since 1970."""

    projects: set[int]
    content: Content
    first_ts: int
    last_ts: int


def place_of(row: EventRow) -> Place:
    """Where a row belongs."""
    return Place(row[TS], row[EVENT_ID])


def write_parts(rows: Iterable[EventRow], folder: Path, part_rows: int = PART_ROWS) -> Iterator[Path]:
    """Write rows, which come in order, into files of a folder; each file once it is finished."""
    writer, number, written = None, 0, 0
    for group in groups(rows):
        if writer is None:
            path = folder / f"part-{number:04}-{token_hex(4)}.parquet"
            writer = pq.ParquetWriter(path, SCHEMA, **WRITING)
        writer.write_table(table_of(group))
        written += len(group)
        if written >= part_rows:
            writer.close()
            yield path
            writer, number, written = None, number + 1, 0
    if writer is not None:
        writer.close()
        yield path


def groups(rows: Iterable[EventRow]) -> Iterator[list[EventRow]]:
    """Rows in groups of bounded number and size."""
    group: list[EventRow] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row[-1])
        if len(group) >= GROUP_ROWS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def table_of(rows: list[EventRow]) -> pa.Table:
    """Rows as a table."""
    columns = zip(*rows, strict=True)
    return pa.Table.from_arrays(
        [array_of(field, values) for field, values in zip(SCHEMA, columns, strict=True)], schema=SCHEMA
    )


def array_of(field: pa.Field, values: tuple[Any, ...]) -> pa.Array:
    """The values of a column."""
    if field.name == "event_id":
        return pa.ExtensionArray.from_storage(field.type, pa.array(values, pa.binary(16)))
    return pa.array(values, field.type)


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """What a file holds, some rows at a time. Raises ArchiveDamaged."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            if not file.schema_arrow.equals(SCHEMA):
                raise ArchiveDamaged("A part has other columns.")
            yield from file.iter_batches(batch_size=10_000)
    except (pa.ArrowException, OSError) as error:
        raise ArchiveDamaged(f"A part cannot be read: {error}") from error


def read_rows(path: Path) -> Iterator[EventRow]:
    """The rows of a file, in order. Raises ArchiveDamaged."""
    for batch in read_batches(path):
        yield from zip(*(values_of(batch, name) for name in SCHEMA.names), strict=True)


def values_of(batch: pa.RecordBatch, name: str) -> list[Any]:
    """The values of a column as a row has them."""
    column = batch.column(name)
    if name == "event_id":
        column = column.storage
    elif name in TIMES:
        column = column.cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


def measure(path: Path) -> Measured:
    """Read all of a file. Raises ArchiveDamaged, also when it has no row or its rows are in no order."""
    projects: set[int] = set()
    events, id_sum = 0, 0
    first, last = None, None
    for batch in read_batches(path):
        times = values_of(batch, "ts")
        if times != sorted(times) or (last is not None and times[0] < last):
            raise ArchiveDamaged("The events of a part are not in the order of time.")
        first, last = times[0] if first is None else first, times[-1]
        projects.update(batch.column("project_id").unique().to_pylist())
        events += batch.num_rows
        id_sum += sum_of_ids(values_of(batch, "event_id"))
    if first is None or last is None:
        raise ArchiveDamaged("A part has no events.")
    return Measured(projects, Content(events, id_sum), first, last)


def sum_of_ids(ids: list[bytes]) -> int:
    """The sum of the lower halves of ids, as signed numbers; events_of_days computes the same."""
    return sum(unpack(f">{2 * len(ids)}q", b"".join(ids))[1::2])
