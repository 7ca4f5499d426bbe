"""A result of PostgreSQL as Grafana's frame: what a panel gets to see.

Source of the rules: grafana/grafana, pkg/tsdb/grafana-postgresql-datasource, sqleng/sql_engine.go (types, the
time column, formats, fill) and grafana/grafana-plugin-sdk-go, data/time_series.go (LongToWide) and
data/sqlutil/resample.go (fill).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from psycopg import Cursor

from tests.grafana.macros import Fill, TimeRange

TIME, NUMBER, STRING, BOOLEAN, JSON = "time", "number", "string", "boolean", "json"
KINDS = {
    **dict.fromkeys(("timestamp", "timestamptz", "date"), TIME),
    **dict.fromkeys(("int2", "int4", "int8", "float4", "float8", "numeric"), NUMBER),
    "bool": BOOLEAN,
    **dict.fromkeys(("json", "jsonb"), JSON),
}
TIME_SERIES, TABLE = "time_series", "table"
ROW_LIMIT = 1_000_000


class FrameError(Exception):
    """A result that Grafana cannot show in the panel's format."""


@dataclass(frozen=True)
class Column:
    """A field: its name, kind and values, None for null; labels tell series of one name apart."""

    name: str
    kind: str
    values: list[Any]
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Frame:
    """Columns of one length. A result without rows has no columns at all."""

    columns: list[Column]

    @property
    def length(self) -> int:
        """How many rows."""
        return len(self.columns[0].values) if self.columns else 0

    def column(self, name: str) -> Column:
        """The first column of a name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def rows(self) -> list[tuple[Any, ...]]:
        """The rows, as tuples."""
        return list(zip(*(column.values for column in self.columns), strict=True))

    def of_kind(self, kind: str) -> list[Column]:
        """The columns of a kind."""
        return [column for column in self.columns if column.kind == kind]


def read(cursor: Cursor[Any]) -> Frame:
    """The result of a statement, unconverted."""
    assert cursor.description is not None
    rows = cursor.fetchall()
    kinds = [KINDS.get(type_name(cursor, each.type_code), STRING) for each in cursor.description]
    values = list(zip(*rows, strict=True)) or [()] * len(kinds)
    columns = zip(cursor.description, kinds, values, strict=True)
    return Frame([Column(each.name, kind, converted(kind, given)) for each, kind, given in columns])


def type_name(cursor: Cursor[Any], oid: int) -> str:
    """PostgreSQL's name of a type; empty when psycopg does not know it."""
    known = cursor.adapters.types.get(oid)
    return known.name if known and known.oid == oid else ""  # arrays have a number of their own


def converted(kind: str, values: Iterable[Any]) -> list[Any]:
    """Values as Grafana has them: numbers as float, times in UTC, the rest as text."""
    return [None if value is None else CONVERT[kind](value) for value in values]


def in_utc(value: date) -> datetime:
    """A timestamp, or the midnight of a date."""
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


CONVERT: dict[str, Callable[[Any], Any]] = {
    NUMBER: float,
    TIME: in_utc,
    BOOLEAN: bool,
    JSON: partial(json.dumps, ensure_ascii=False),
    STRING: str,
}


def framed(frame: Frame, form: str, time_range: TimeRange, fill: Fill | None = None) -> Frame:
    """The frame that a panel gets, in the target's format (time_series or table).

    Raises FrameError: no time column in a time series, one that is null or not in order, a value that is no
    number.
    """
    if frame.length == 0:
        return Frame([])
    frame = with_times(frame, form)
    if form != TIME_SERIES:
        return frame
    wide = long_to_wide(as_series(frame), fill)
    return resampled(wide, fill, time_range) if fill else wide


def with_times(frame: Frame, form: str) -> Frame:
    """Epochs become times in the column "time", and in "timeend" of a table."""
    names = {"time", "timeend"} if form == TABLE else {"time"}
    return Frame([as_time(each) if each.name in names else each for each in frame.columns])


def as_time(column: Column) -> Column:
    """A column of times. Raises FrameError: neither times nor numbers."""
    if column.kind == TIME:
        return column
    if column.kind != NUMBER:
        raise FrameError(f"converting time columns failed: unable to convert {column.name} to a time field")
    return Column(
        column.name, TIME, [None if epoch is None else from_epoch(epoch) for epoch in column.values]
    )


def from_epoch(epoch: float) -> datetime:
    """Seconds or nanoseconds by their size, else milliseconds."""
    milliseconds = (
        epoch * 1e3 if 1e9 <= abs(epoch) < 1e10 else epoch / 1e6 if 1e18 <= abs(epoch) < 1e19 else epoch
    )
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def as_series(frame: Frame) -> Frame:
    """The time column and numbers, with text (the labels) in between. Raises FrameError."""
    indices = [index for index, column in enumerate(frame.columns) if column.name == "time"]
    if not indices:
        raise FrameError(
            "db has no time column: time column is missing; make sure your data includes a time column for "
            "time series format or switch to a table format that doesn't require it"
        )
    columns = [
        replace(column, name="Time") if index == indices[-1] else as_value(column)
        for index, column in enumerate(frame.columns)
    ]
    if not any(column.kind == NUMBER for column in columns):
        raise FrameError("data is missing a number field")
    return Frame(columns)


def as_value(column: Column) -> Column:
    """A number, or text that labels it. Raises FrameError."""
    if column.kind in (NUMBER, STRING):
        return column
    if column.kind == BOOLEAN:
        return replace(column, kind=NUMBER, values=[None if v is None else float(v) for v in column.values])
    raise FrameError(f"convert value to float failed: {column.name} is {column.kind}")


def long_to_wide(frame: Frame, fill: Fill | None) -> Frame:
    """One column a series. Raises FrameError: null times, times not in order."""
    times = frame.column("Time").values
    labels = frame.of_kind(STRING)
    if not labels:
        if len(set(times)) < len(times):
            raise FrameError("two rows of one time, and nothing to tell them apart")
        return frame
    if None in times:
        raise FrameError("can not convert to wide series, input has null time values")
    if any(later < earlier for earlier, later in pairwise(times)):
        raise FrameError("long series must be sorted ascending by time to be converted")
    wide = Wide(sorted(set(times)), fill)
    for number, at in enumerate(times):
        key = tuple((label.name, label.values[number] or "") for label in labels)
        for column in frame.of_kind(NUMBER):
            wide.put(column.name, key, at, column.values[number])
    return wide.frame(named_by_metric=len(frame.columns) == 3)


class Wide:
    """Series in the making."""

    def __init__(self, times: list[datetime], fill: Fill | None) -> None:
        self.times, self.fill = times, fill
        self.series: dict[tuple[str, tuple[tuple[str, str], ...]], dict[datetime, float | None]] = {}

    def put(self, name: str, key: tuple[tuple[str, str], ...], at: datetime, value: float | None) -> None:
        """The value of a series at a time. Of two Grafana keeps one and says nothing; here it is an error."""
        values = self.series.setdefault((name, key), {})
        if at in values:
            raise FrameError(f"two values of {name} {key} at {at}")
        values[at] = value

    def frame(self, *, named_by_metric: bool) -> Frame:
        """A column a series, by name and labels. named_by_metric: a label "metric" is the series' name."""
        columns = [Column("Time", TIME, self.times)]
        for (name, key), values in sorted(self.series.items()):
            column = Column(name, NUMBER, self.filled(values), dict(key))
            if named_by_metric and list(column.labels) == ["metric"]:
                column = replace(column, name=column.labels["metric"], labels={})
            columns.append(column)
        return Frame(columns)

    def filled(self, values: dict[datetime, float | None]) -> list[float | None]:
        """The values at all times, with the fill where the series has no row."""
        result: list[float | None] = []
        for at in self.times:
            result.append(values[at] if at in values else filling(self.fill, result))
        return result


def filling(fill: Fill | None, so_far: Sequence[float | None]) -> float | None:
    """What fills the next point."""
    if fill is None or fill.mode == "null":
        return None
    if fill.mode == "value":
        return fill.value
    return so_far[-1] if so_far else None


def resampled(frame: Frame, fill: Fill, time_range: TimeRange) -> Frame:
    """A point for each interval from the range's start (rounded down) to its end: the last one in
    (point - interval, point], or the fill."""
    width = int(fill.interval.total_seconds())
    start = datetime.fromtimestamp(int(time_range.start.timestamp()) // width * width, UTC)
    count = (time_range.end - start) // fill.interval + 1
    if count > ROW_LIMIT:
        return frame
    points = [start + number * fill.interval for number in range(count)]
    times = frame.column("Time").values
    sources = [last_within(times, point, fill.interval) for point in points]
    columns = [Column("Time", TIME, points)]
    for column in frame.of_kind(NUMBER):
        values: list[float | None] = []
        for point, source in zip(points, sources, strict=True):
            values.append(missing(fill, column, times, point) if source is None else column.values[source])
        columns.append(replace(column, values=values))
    return Frame(columns)


def last_within(times: list[datetime], point: datetime, interval: timedelta) -> int | None:
    """The last row in (point - interval, point]."""
    within = [index for index, at in enumerate(times) if point - interval < at <= point]
    return within[-1] if within else None


def missing(fill: Fill, column: Column, times: list[datetime], point: datetime) -> float | None:
    """The fill of a point without rows; previous is the last row before it."""
    before = [value for value, at in zip(column.values, times, strict=True) if at <= point]
    return filling(fill, before)
