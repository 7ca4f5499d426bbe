"""CSV as the collector reads it (its own imports follow the same rules, and a test compares the two)."""

from __future__ import annotations

import csv
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from beatline_client.errors import SourceError
from beatline_client.events import FIELDS
from beatline_client.rows import Row, Unreadable

DELIMITERS = (",", ";", "\t")
LEFT_OUT = ("", "$row", "$reason")  # no name; what the collector's list of rejected rows adds to them
ALIASES = {
    "event": "event_type",
    "eventname": "event_type",
    "time": "timestamp",
    "eventtime": "timestamp",
    "ts": "timestamp",
    "messageid": "event_id",
    "insertid": "event_id",
}

# What JSON would read as a number. With more digits it is an id, with an exponent or a leading zero a code.
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?", re.ASCII)
BOOLEANS = {"true": True, "false": False}


def csv_rows(
    lines: Iterator[bytes], mapping: Mapping[str, str | None], untyped: Container[str]
) -> Iterator[Row]:
    """{field or property: value} of each row by the header in the first line; empty cells are absent.

    Properties become numbers and booleans where they look like ones, unless untyped has them. Bytes that are
    no UTF-8 become lone surrogates, which cannot be sent, so that only their row is refused. Raises
    SourceError when the header cannot be used.
    """
    texts = (line.decode(errors="surrogateescape") for line in lines)
    names, delimiter = read_header(next(texts, ""), mapping)
    for cells in records(csv.reader(texts, delimiter=delimiter, strict=True)):
        if isinstance(cells, Unreadable):
            yield cells
        elif any(cells[len(names) :]):
            yield Unreadable("More cells than columns.")
        else:
            yield row_of(names, cells, untyped)


def read_header(line: str, mapping: Mapping[str, str | None]) -> tuple[list[str | None], str]:
    """What each column is called here, None for one that is left out, and the delimiter."""
    read = [(split(line, delimiter), delimiter) for delimiter in DELIMITERS]
    columns, delimiter = max(read, key=lambda option: len(option[0]))
    if line and not any(columns):
        raise SourceError("the first row has to name the columns")
    meant = meanings([name for name in columns if name not in mapping])
    names = [mapping[name] if name in mapping else meant.get(name, name) for name in columns]
    kept = [None if name in LEFT_OUT else name for name in names]
    named = [name for name in kept if name]
    if twice := {name for name in named if named.count(name) > 1}:
        raise SourceError(f"two columns are named {', '.join(sorted(twice))}")
    return kept, delimiter


def split(header: str, delimiter: str) -> list[str]:
    """The names in a header; none when it cannot be read with this delimiter."""
    try:
        return [name.strip() for name in next(csv.reader([header], delimiter=delimiter, strict=True), [])]
    except csv.Error:
        return []


def meanings(columns: Iterable[str]) -> dict[str, str]:
    """The fields of an event among the columns: case, blanks, dashes and underscores do not matter. Another
    name of a field counts when the field has no column of its own and no earlier one."""
    known = {name: PLAIN_FIELDS[plain(name)] for name in columns if plain(name) in PLAIN_FIELDS}
    for name in columns:
        field = ALIASES.get(plain(name))
        if field and field not in known.values():
            known[name] = field
    return known


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9$]", "", name.lower())


def records(reader: Iterator[list[str]]) -> Iterator[list[str] | Unreadable]:
    """The records of a CSV file; those without any value are passed over."""
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Unreadable(f"Not valid CSV: {error}.")
        else:
            if any(cells):
                yield cells


def row_of(names: list[str | None], cells: list[str], untyped: Container[str]) -> dict[str, Any]:
    """The values of a row by their names. A field's blanks around it do not count."""
    row: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        if name in ROW_FIELDS:
            row[name] = cell.strip()
        elif name and cell:
            row[name] = cell if name in untyped else typed(cell)
    return row


def typed(text: str) -> str | int | float | bool:
    """A cell's value: what looks like a number in JSON, and true or false in any case; else the text."""
    match = NUMBER.fullmatch(text)
    if match:
        return float(text) if match[1] else int(text)
    return BOOLEANS.get(text.lower(), text)


ROW_FIELDS = FIELDS | {"properties"}
PLAIN_FIELDS = {plain(name): name for name in ROW_FIELDS}
