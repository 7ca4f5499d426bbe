"""Results become frames as in Grafana: its documentation's examples and the golden files of its tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from tests.grafana import frames
from tests.grafana.frames import TABLE, TIME_SERIES, FrameError, framed
from tests.grafana.macros import Fill, TimeRange

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIVE = TimeRange(NOON, NOON + 4 * MINUTE)


def series(connection: Connection, statement: str, fill: Fill | None = None, form: str = TIME_SERIES) -> Any:
    """{name or labels: values} of a statement's frame, with the times under Time as minutes after noon."""
    frame = framed(frames.read(connection.execute(statement.encode())), form, FIVE, fill)
    columns = {
        ",".join([column.name, *(f"{name}={value}" for name, value in column.labels.items())]): column.values
        for column in frame.columns
    }
    times = columns.get("Time") or []
    return columns | {"Time": [(at - NOON) / MINUTE for at in times]} if times else columns


def values(*rows: str) -> str:
    """A statement of (time, host, value) rows."""
    return f'select * from (values {", ".join(rows)}) as row ("time", metric, value)'


AT = [f"timestamptz '2026-03-04 12:0{minute}:00+00'" for minute in range(5)]
LONG = values(f"({AT[0]}, 'a', 1)", f"({AT[0]}, 'b', 2)", f"({AT[2]}, 'a', 3)")


def test_long_rows_become_a_series_for_each_text(connection: Connection) -> None:
    """Of three columns the text "metric" names the series; where a series has no row is null."""
    assert series(connection, LONG) == {"Time": [0, 2], "a": [1, 3], "b": [2, None]}


def test_text_labels_series_of_several_values(connection: Connection) -> None:
    """A name of its own, or a second number, keeps the label and the column's name."""
    labelled = LONG.replace("metric", "host")
    assert series(connection, labelled) == {"Time": [0, 2], "value,host=a": [1, 3], "value,host=b": [2, None]}
    two = f"select *, value * 10 as tens from ({LONG}) as long"
    assert series(connection, two)["tens,metric=a"] == [10, 30]


FILLS = [
    (Fill(MINUTE, "value", 0.0), [1, 0, 3, 0, 0], [2, 0, 0, 0, 0]),
    (Fill(MINUTE, "null"), [1, None, 3, None, None], [2, None, None, None, None]),
    (Fill(MINUTE, "previous"), [1, 1, 3, 3, 3], [2, 2, 2, 2, 2]),
]


@pytest.mark.parametrize(("fill", "a", "b"), FILLS)
def test_fill(connection: Connection, fill: Fill, a: list[float], b: list[float]) -> None:
    """Each interval of the range gets a point, and each series a value there."""
    assert series(connection, LONG, fill) == {"Time": [0, 1, 2, 3, 4], "a": a, "b": b}


def test_fill_begins_at_a_whole_interval(connection: Connection) -> None:
    """The range's start rounded down, so a statement must answer that interval whole."""
    late = TimeRange(NOON + timedelta(seconds=30), NOON + 2 * MINUTE)
    frame = framed(frames.read(connection.execute(LONG.encode())), TIME_SERIES, late, FILLS[0][0])
    assert [at - NOON for at in frame.columns[0].values] == [0 * MINUTE, MINUTE, 2 * MINUTE]


def test_epochs_become_times(connection: Connection) -> None:
    """Seconds, milliseconds and nanoseconds, as $__timeGroup gives them without TimescaleDB."""
    for factor in ("", "000", "000000000"):
        statement = f"select 1772625600{factor} as time, 1 as value"
        assert series(connection, statement) == {"Time": [0], "value": [1]}


def test_types(connection: Connection) -> None:
    """As the backend converts them: every number is a float, JSON and others are text."""
    statement = (
        "select 1::int2, 2.5::numeric, 3::float4, true, '{\"a\": 1}'::jsonb, 'x', '{1}'::int[], null::int8"
    )
    frame = framed(frames.read(connection.execute(statement.encode())), TABLE, FIVE)
    assert frame.rows() == [(1.0, 2.5, 3.0, True, '{"a": 1}', "x", "[1]", None)]
    kinds = ["number", "number", "number", "boolean", "json", "string", "string", "number"]
    assert [column.kind for column in frame.columns] == kinds


def test_no_rows_are_no_columns(connection: Connection) -> None:
    """Whatever the format, and whether or not there is a time column."""
    for form in (TABLE, TIME_SERIES):
        assert series(connection, "select 1 as value where false", form=form) == {}


def test_tables_keep_their_rows(connection: Connection) -> None:
    """Only "time" and "timeend" are converted."""
    statement = "select 1772625600 as time, 1772625660 as timeend, 1772625600 as at"
    frame = framed(frames.read(connection.execute(statement.encode())), TABLE, FIVE)
    assert frame.rows() == [(NOON, NOON + MINUTE, 1772625600.0)]


REFUSED = [
    ("select now() as at, 1 as value", "db has no time column"),
    ("select 'noon' as time, 1 as value", "unable to convert time to a time field"),
    (f"select {AT[0]} as time, 'a' as host", "missing a number field"),
    (f"select {AT[0]} as time, '{{}}'::jsonb as value", "convert value to float failed"),
    (values(f"({AT[1]}, 'a', 1)", f"({AT[0]}, 'a', 2)"), "must be sorted ascending by time"),
    (values(f"({AT[1]}, 'a', 1)", "(null, 'a', 2)"), "null time values"),
    (values(f"({AT[1]}, 'a', 1)", f"({AT[1]}, 'a', 2)"), "two values of"),
    (f"select {AT[0]} as time, value from generate_series(1, 2) as value", "two rows of one time"),
]


@pytest.mark.parametrize(("statement", "message"), REFUSED)
def test_what_cannot_be_shown(connection: Connection, statement: str, message: str) -> None:
    """Grafana's own errors, and two things that it shows wrongly without a word."""
    with pytest.raises(FrameError, match=message):
        series(connection, statement)
