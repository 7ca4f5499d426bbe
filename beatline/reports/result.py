"""What a report answers: series for charts, and the same as a table for files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from beatline.reports.definition import By, Definition, Grouping, Kind

OTHER = "(other)"  # in a table: all groups beyond the top ones
NONE = "(none)"  # in the label of a series: events that have no such value
UNITS = {Kind.COUNT: "events", Kind.USERS: "users", Kind.SESSIONS: "sessions"}

Number = int | float | None
Value = str | int | float | bool | None


class Column(msgspec.Struct):
    """A column of the table. type: time, text, value (any JSON scalar), integer or number. unit: the
    grain of a time; of a measure what is counted, None when that is a property's own affair."""

    name: str
    type: str
    unit: str | None = None


class Series(msgspec.Struct):
    """One line of a chart. group: a value for each grouping, null where events have none; None for all
    other groups together, and for all events. points: the measure at each point; previous_points lies
    under it point by point, cut or filled up with null, and is empty without a comparison."""

    label: str
    group: list[Value] | None
    other: bool
    total: Number
    points: list[Number]
    previous_total: Number
    previous_points: list[Number]


class Previous(msgspec.Struct):
    """The period before, [since, until), and where its points start."""

    since: datetime
    until: datetime
    points: list[datetime]


class Result(msgspec.Struct):
    """The answer to a report about [since, until), exact as of as_of. All times have the offset of its time
    zone.

    points: where each one starts; the first may start before `since`, the last end after `until`, and is
    partial then. series: the top groups, the highest first, then the others; without groupings just
    `all`. source: aggregates or events."""

    definition: Definition
    columns: list[Column]
    since: datetime
    until: datetime
    as_of: datetime
    source: str
    points: list[datetime]
    first_is_partial: bool
    last_is_partial: bool
    series: list[Series]
    all: Series
    previous: Previous | None


def columns_of(definition: Definition) -> list[Column]:
    """The columns of the table: time, groupings, the measure, and what it was in the period before."""
    measure = definition.measure
    unit = UNITS.get(measure.kind)
    kind = "integer" if unit else "number"
    columns = [Column("time", "time", definition.grain)] if definition.grain else []
    columns += [Column(name_of(each), type_of(each)) for each in definition.groupings]
    columns.append(Column(measure.kind, kind, unit))
    return [*columns, Column(f"previous {measure.kind}", kind, unit)] if definition.compare else columns


def name_of(grouping: Grouping) -> str:
    """What the column of a grouping is called."""
    return grouping.property or grouping.by.replace("_", " ")


def type_of(grouping: Grouping) -> str:
    """What the column of a grouping holds."""
    return "text" if grouping.by in (By.EVENT_TYPE, By.PAGE) else "value"


def rows_of(result: Result) -> Iterator[list[Any]]:
    """The table, one row a point and series; times are datetimes. All other groups are OTHER in the first
    of their columns."""
    if not result.definition.grain:
        for series in result.series:
            yield row_of(result, series, [], series.total, series.previous_total)
        return
    for place, at in enumerate(result.points):
        for series in result.series:
            before = series.previous_points[place] if series.previous_points else None
            yield row_of(result, series, [at], series.points[place], before)


def row_of(result: Result, series: Series, time: list[Any], value: Number, before: Number) -> list[Any]:
    """A row of the table."""
    width = len(result.definition.groupings)
    group = [OTHER, *[None] * (width - 1)] if series.other else list(series.group or [])
    return [*time, *group, value, *([before] if result.definition.compare else [])]


def label_of(group: list[Value]) -> str:
    """A group in words."""
    return " / ".join(NONE if value is None else text_of(value) for value in group)


def text_of(value: Value) -> str:
    """A value as text; true and false as JSON has them."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
