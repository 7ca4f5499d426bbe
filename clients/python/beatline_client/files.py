"""Reading rows from iterables, and from CSV and NDJSON files without holding more than a line of them."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Literal

from beatline_client.csv_rows import csv_rows
from beatline_client.errors import SourceError
from beatline_client.rows import Row, Rows, Unreadable

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_LINE_BYTES = 8 * 2**20  # a longer one is taken apart, and its parts are refused as rows

Source = str | os.PathLike[str] | Iterable[Mapping[str, Any]]
Format = Literal["csv", "ndjson"]
FORMATS: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}


@contextmanager
def open_rows(
    source: Source, format: Format | None, mapping: Mapping[str, str | None], untyped: Container[str]
) -> Iterator[Rows]:
    """The rows of a source under the names that mapping gives; a text is a path. Raises OSError, ValueError
    for a file of no known format, and SourceError while the rows are read."""
    if not isinstance(source, str | os.PathLike):
        yield Rows(renamed(source, mapping), lambda done: share(done, len_of(source)))
        return
    path = Path(source)
    is_csv = (format or format_of(path)) == "csv"
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        lines = readable(lines_of(unzipped(file)))
        rows = csv_rows(lines, mapping, untyped) if is_csv else renamed(ndjson_rows(lines), mapping)
        yield Rows(rows, lambda _: share(file.tell(), size), file.tell)


def format_of(path: Path) -> Format:
    """The format by the file's name, in which .gz does not count; ValueError for any other name."""
    suffix = (path.with_suffix("") if path.suffix == ".gz" else path).suffix
    if suffix not in FORMATS:
        raise ValueError(f'{path}: neither .csv, .ndjson nor .jsonl; say format="csv" or format="ndjson"')
    return FORMATS[suffix]


def share(done: int, total: int | None) -> float | None:
    """Percent; None when the total is not known."""
    if total is None:
        return None
    return 100 * done / total if total else 100.0


def len_of(source: object) -> int | None:
    return len(source) if isinstance(source, Sized) else None


def renamed(rows: Iterable[Row], mapping: Mapping[str, str | None]) -> Iterator[Row]:
    """The rows, their columns under the names that mapping gives, those that it makes None left out."""
    for row in rows:
        if mapping and isinstance(row, Mapping):
            named = ((mapping.get(column, column), value) for column, value in row.items())
            yield {name: value for name, value in named if name is not None}
        else:
            yield row


def unzipped(file: BufferedReader) -> IO[bytes]:
    """The content of a file that may be gzipped."""
    if file.peek(2)[:2] == GZIP_MAGIC:
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    return file


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file, without a byte order mark."""
    line = file.readline(MAX_LINE_BYTES).removeprefix(BYTE_ORDER_MARK)
    while line:
        yield line
        line = file.readline(MAX_LINE_BYTES)


def readable(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines, until the file turns out to be damaged: then SourceError."""
    try:
        yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"the file cannot be read further: {error}") from error


def ndjson_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    """A JSON object a line; empty lines are none."""
    for line in lines:
        if line.strip():
            yield json_object(line)


def json_object(line: bytes) -> Row:
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        return Unreadable(f"Not valid JSON: {error}")
    return value if isinstance(value, dict) else Unreadable("Not a JSON object.")
