"""What the files of exports hold, compared with the event log's own writers and with filters done by hand."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from unittest import mock
from uuid import UUID

import msgspec
import psycopg
import pytest
from psycopg import Connection
from pyarrow import parquet

from beatline import export_files
from beatline.analytics import event_log
from beatline.analytics.event_export import COLUMNS, FORMULA, csv_header, csv_rows, ndjson
from beatline.analytics.event_log import Filter, Operator, PropertyFilter
from beatline.export_files import EVENT_FORMATS, REPORT_FORMATS, Events, shared_snapshot, write_events
from beatline.reports.definition import By, Condition, Conditions, Definition, Grouping, Kind, Measure
from beatline.reports.engine import run_report
from beatline.reports.periods import Fixed, Unit
from tests.fixtures.event_log import NOW, Row, by_hand, insert_rows, read_all, some_rows

ALL = Filter(1)
HOSTILE = [
    *FORMULA, *(f"{sign}cmd|' /C calc'!A0" for sign in FORMULA), "'=1", " =1", "\ufeff=1",
    "a,b", 'a"b', '"', '""', "a\nb", "a\r\nb", "\\.", "\\", "\\n", "\x01", "\x02", "\x01a\x02", "\x7f",
    "\u2028", "日本語🦊\u0301\u202e", "", "NULL", "null", "x" * 5_000,
]  # fmt: skip
TIMES = ("ts", "received_at")


def hostile_rows() -> list[Row]:
    """Events that have each hostile text in every column of text, and in a property's name and value."""
    return [
        {
            "project_id": 1, "event_id": UUID(int=number), "ts": NOW - timedelta(microseconds=number * 997),
            "received_at": NOW, "event_type": text, "user_id": text, "anonymous_id": None, "session_id": text,
            "device_id": text, "page_url": text, "app_version": text, "os_name": text, "os_version": text,
            "properties": {text: [text, 1.10, None, True, 12345678901234567890]},
        }
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip


def written(connection: Connection, wanted: Filter, name: str, snapshot: str | None = None) -> bytes:
    """The file of an export."""
    statement, opened = EVENT_FORMATS[name]
    file, told = BytesIO(), [-1]
    rows = write_events(Events(connection, wanted, snapshot), statement, opened(file), told.append)
    assert told[-1] == rows
    return file.getvalue()


def cells(content: bytes) -> list[list[Any]]:
    """The rows of a CSV file, times as times."""
    header, *rows = csv.reader(StringIO(content.decode(), newline=""))
    places = [header.index(name) for name in TIMES]
    return [header, *([timed(cell, place in places) for place, cell in enumerate(row)] for row in rows)]


def objects(content: bytes) -> list[dict[str, Any]]:
    """The lines of an NDJSON file, times as times."""
    rows = [json.loads(line) for line in content.decode().split("\n")[:-1]]
    return [{name: timed(value, name in TIMES) for name, value in row.items()} for row in rows]


def timed(value: Any, is_time: bool) -> Any:
    """A value, as a time when it is one."""
    return datetime.fromisoformat(value) if is_time else value


def test_given_hostile_values_then_csv_is_as_harmless_as_the_event_logs_own(database: Connection) -> None:
    insert_rows(database, hostile_rows())

    found = cells(written(database, ALL, "csv"))

    assert found == cells(csv_header() + csv_rows(read_all(database, ALL)))
    assert len(found) == len(HOSTILE) + 1
    assert not [cell for row in found for cell in row if str(cell).startswith(FORMULA)]


def test_given_properties_that_are_no_object_then_csv_is_harmless_too(database: Connection) -> None:
    rows = [row | {"properties": value} for row, value in zip(hostile_rows(), (-1, "=1", [-1]), strict=False)]
    insert_rows(database, rows)

    assert [row[-1] for row in cells(written(database, ALL, "csv"))[1:]] == ["'-1", '"=1"', "[-1]"]


def test_given_hostile_values_then_every_line_of_ndjson_says_what_was_stored(database: Connection) -> None:
    insert_rows(database, hostile_rows())

    found = objects(written(database, ALL, "ndjson"))

    assert found == objects(ndjson(read_all(database, ALL)))
    assert list(found[0]) == list(COLUMNS)


def test_given_hostile_values_then_parquet_holds_just_those(database: Connection) -> None:
    rows = hostile_rows()
    insert_rows(database, rows)

    with mock.patch.object(export_files, "GROUP_ROWS", 7):
        file = parquet.ParquetFile(BytesIO(written(database, ALL, "parquet")))

    assert file.num_row_groups == -(-len(rows) // 7)
    table = file.read()
    assert table.column_names == list(COLUMNS)
    texts = [name for name in COLUMNS if name not in ("event_id", "properties")]
    assert [{name: row[name] for name in texts} for row in table.to_pylist()] == [
        {name: row[name] for name in texts} for row in rows
    ]
    assert [json.loads(text) for text in table["properties"].to_pylist()] == [
        row["properties"] for row in rows
    ]
    assert [UUID(text) for text in table["event_id"].to_pylist()] == [row["event_id"] for row in rows]


@pytest.mark.parametrize("name", EVENT_FORMATS)
def test_given_no_events_then_the_file_is_empty_but_whole(connection: Connection, name: str) -> None:
    content = written(connection, ALL, name)

    if name == "parquet":
        assert parquet.ParquetFile(BytesIO(content)).metadata.num_rows == 0
    else:
        assert content == {"csv": csv_header(), "ndjson": b""}[name]


FILTERS = [
    ALL, Filter(2), Filter(3),
    Filter(1, since=NOW - timedelta(hours=2), until=NOW - timedelta(hours=1)),
    Filter(1, event_types=["view", "click"]), Filter(1, user_id="ann"), Filter(1, persons=["a1", "bob"]),
    Filter(1, anonymous_id="a1", page_prefix="/shop"), Filter(1, page_url="/shop%"),
    Filter(1, properties=(PropertyFilter(("plan",), Operator.EQUALS, "pro"),)),
    Filter(1, properties=(PropertyFilter(("text",), Operator.CONTAINS, "a'b\"c\\d"),)),
    Filter(1, user_id="x' or 1=1 --"), Filter(1, user_id="\\' or true; drop table events; --"),
    Filter(1, page_url="%s %(limit)s"),
]  # fmt: skip


def test_given_filters_then_the_events_that_pass_are_in_the_file_the_newest_first(
    database: Connection,
) -> None:
    rows = some_rows(600)
    insert_rows(database, rows)
    with mock.patch.multiple(event_log, FEWEST_ROWS=20, MOST_ROWS=70):
        for wanted in FILTERS:
            found = cells(written(database, wanted, "csv"))[1:]
            assert [UUID(row[0]) for row in found] == by_hand(rows, wanted), wanted


def test_given_events_that_come_meanwhile_then_the_export_is_of_one_moment(
    owner_url: str, connection: Connection
) -> None:
    rows = some_rows(100)
    insert_rows(connection, rows)
    with psycopg.connect(owner_url, autocommit=True) as holding, shared_snapshot(holding) as snapshot:
        insert_rows(connection, some_rows(50, seed=2))
        connection.execute("select pg_sleep(0)")
        found = cells(written(connection, ALL, "csv", snapshot))[1:]
        locks = connection.execute(
            "select relation::regclass from pg_locks where pid = %s and locktype = 'relation'",
            [holding.info.backend_pid],
        ).fetchall()

    assert [UUID(row[0]) for row in found] == by_hand(rows, ALL)
    assert locks == [], "what holds the snapshot would keep retention waiting"


def test_given_rows_of_a_megabyte_then_a_row_group_is_bounded_by_its_bytes(connection: Connection) -> None:
    rows = [row | {"properties": {"text": "x" * 900_000}} for row in hostile_rows()[:20]]
    insert_rows(connection, rows)

    with mock.patch.object(export_files, "GROUP_BYTES", 4 * 2**20):
        file = parquet.ParquetFile(BytesIO(written(connection, ALL, "parquet")))

    assert (file.num_row_groups, file.metadata.num_rows) == (4, 20)


# Reports


BY_TYPE_AND_TEXT = Definition(
    Fixed(NOW - timedelta(days=1), NOW + timedelta(days=1)),
    Measure(Kind.SUM, "count"),
    grain=Unit.DAY,
    groupings=[Grouping(By.EVENT_TYPE), Grouping(By.PROPERTY, "count")],
    filters=Conditions(properties=[Condition("count", Operator.EXISTS, True)]),
    top=50,
)


def report_file(connection: Connection, name: str, definition: Definition = BY_TYPE_AND_TEXT) -> bytes:
    """The file of a report on events with a property `count` that is many things."""
    chosen: list[Any] = ["=1+1", "-x", -5, 2.5, True, None, ["@"], "\ufeff", "count"]
    rows = [
        row | {"event_type": "=type", "properties": {"count": value}}
        for row, value in zip(some_rows(2_000), chosen * 3, strict=False)
        if row["project_id"] == 1
    ]
    random.Random(1).shuffle(rows)
    insert_rows(connection, [row | {"ts": NOW} for row in rows])
    file = BytesIO()
    REPORT_FORMATS[name]("=A report", run_report(connection, 1, definition, NOW), file)
    return file.getvalue()


def test_given_a_report_then_csv_has_harmless_text_and_numbers_that_are_numbers(
    connection: Connection,
) -> None:
    header, *rows = csv.reader(StringIO(report_file(connection, "csv").decode(), newline=""))

    assert header == ["time", "event type", "count", "sum"]
    assert {row[1] for row in rows} == {"'=type"}
    values = {row[2] for row in rows}
    assert {"'=1+1", "'-x", "-5", "2.5", "true", ""} <= values
    assert "-5.0" in {row[3] for row in rows} or "-15.0" in {row[3] for row in rows}
    assert datetime.fromisoformat(rows[0][0]).tzinfo is not None


def test_given_a_report_whose_columns_are_called_alike_then_ndjson_tells_them_apart(
    connection: Connection,
) -> None:
    definition = msgspec.structs.replace(BY_TYPE_AND_TEXT, measure=Measure())

    rows = [json.loads(line) for line in report_file(connection, "ndjson", definition).splitlines()]

    assert {tuple(row) for row in rows} == {("time", "event type", "count", "count 2")}
    assert {"=1+1", -5, 2.5, True, None} <= {row["count"] for row in rows}


def test_given_a_report_then_parquet_has_columns_of_their_types(connection: Connection) -> None:
    table = parquet.read_table(BytesIO(report_file(connection, "parquet")))

    assert [str(field.type) for field in table.schema] == [
        "timestamp[us, tz=UTC]", "string", "string", "double"
    ]  # fmt: skip
    assert {"=1+1", "-5", "2.5", "true", None} <= set(table["count"].to_pylist())
    assert set(table["time"].to_pylist()) <= {NOW.replace(hour=0) + timedelta(days=day) for day in (-1, 0, 1)}
    assert table["time"].to_pylist()[0].astimezone(UTC).tzinfo is UTC


def test_given_a_report_then_it_is_a_pdf(connection: Connection) -> None:
    assert report_file(connection, "pdf").startswith(b"%PDF-")


@pytest.mark.parametrize("name", ["csv", "ndjson", "parquet", "pdf"])
def test_given_a_report_of_no_events_then_there_is_a_file(connection: Connection, name: str) -> None:
    file = BytesIO()

    REPORT_FORMATS[name]("Nothing", run_report(connection, 1, BY_TYPE_AND_TEXT, NOW), file)

    assert file.getvalue() or name == "ndjson"
