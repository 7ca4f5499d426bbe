"""An answer as a document for people: what write_pdf prints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from beatline.reports.definition import Definition, Grouping
from beatline.reports.document import Chart, Document, Figure, Table
from beatline.reports.periods import Fixed, Unit
from beatline.reports.result import Number, Result, rows_of, text_of
from beatline.reports.words import (
    MONTHS,
    day_words,
    filter_words,
    grouping_words,
    measure_words,
    period_words,
    span_words,
    title_words,
)  # fmt: skip

NOTHING = "-"
NOW, BEFORE = "This period", "Period before"


def as_document(name: str, result: Result) -> Document:
    """The answer to a report of this name."""
    definition, zone = result.definition, result.definition.time_zone
    span = span_words(result.since, result.until, zone)
    fixed = isinstance(definition.period, Fixed)
    return Document(
        title=name,
        period=span if fixed else f"{period_words(definition.period)}: {span}",
        made=f"As of {day_words(result.as_of)} {result.as_of:%H:%M} ({zone})",
        filters=filter_words(definition.filters),
        figures=figures_of(result),
        charts=charts_of(result),
        tables=[table_of(result)],
        notes=notes_of(result),
    )


def figures_of(result: Result) -> list[Figure]:
    """The measure of the whole period, and of the one before."""
    name, now = measure_words(result.definition.measure), result.all.total
    if result.previous is None:
        return [Figure(name, number_words(now))]
    before = result.all.previous_total
    return [Figure(name, number_words(now), change_words(now, before)), Figure(BEFORE, number_words(before))]


def change_words(now: Number, before: Number) -> str | None:
    """By how much of the period before a measure changed: '+12.4 %'; None when that cannot be said."""
    if now is None or not before:
        return None
    return f"{(now - before) / abs(before):+,.1%}".replace("%", " %")


def charts_of(result: Result) -> list[Chart]:
    """Lines over time, with the period before where nothing is grouped; else a bar for each group."""
    definition, title = result.definition, title_words(result.definition)
    if definition.grain:
        labels = [point_words(at, definition.grain) for at in result.points]
        series = {one.label: one.points for one in result.series}
        if not definition.groupings:
            series = {NOW: result.all.points}
            series |= {BEFORE: result.all.previous_points} if result.previous else {}
        return [Chart(title, labels, as_floats(series))]
    if not definition.groupings:
        return []
    series = {NOW: [one.total for one in result.series]}
    series |= {BEFORE: [one.previous_total for one in result.series]} if result.previous else {}
    return [Chart(title, [one.label for one in result.series], as_floats(series), bars=True)]


def as_floats(series: dict[str, list[Number]]) -> dict[str, list[float | None]]:
    """Series of numbers to draw."""
    return {
        label: [None if value is None else float(value) for value in points]
        for label, points in series.items()
    }


def table_of(result: Result) -> Table:
    """All numbers."""
    definition, measure = result.definition, measure_words(result.definition.measure)
    columns = [definition.grain.capitalize()] if definition.grain else []
    columns += [column_words(each) for each in definition.groupings] + [measure]
    columns += [BEFORE] if definition.compare else []
    numbers = range(len(columns) - (2 if definition.compare else 1), len(columns))
    rows = [
        [cell_words(value, definition, number=place in numbers) for place, value in enumerate(row)]
        for row in rows_of(result)
    ]
    return Table(title_words(definition), columns, rows, frozenset(numbers))


def column_words(grouping: Grouping) -> str:
    """The head of a column: 'Event type', 'Property plan'."""
    words = grouping_words(grouping)
    return words[:1].upper() + words[1:]


def cell_words(value: Any, definition: Definition, *, number: bool) -> str:
    """A cell of the table."""
    if isinstance(value, datetime) and definition.grain:
        return point_words(value, definition.grain)
    if number:
        return number_words(value)
    return NOTHING if value is None else text_of(value)


def number_words(value: Number) -> str:
    """A number to read: '12,345', '0.25', '1,234.57'; none of it is '-'."""
    if value is None:
        return NOTHING
    if isinstance(value, int) or value.is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3g}"


def point_words(at: datetime, grain: Unit) -> str:
    """A point of time: '3 Mar', 'Mar 2026', '3 Mar 14:00'."""
    month = MONTHS[at.month - 1][:3]
    match grain:
        case Unit.MONTH:
            return f"{month} {at.year}"
        case Unit.DAY | Unit.WEEK:
            return f"{at.day} {month} {at.year}"
        case _:
            return f"{at.day} {month} {at:%H:%M}"


def notes_of(result: Result) -> list[str]:
    """What a reader has to know of the numbers."""
    grain, zone = result.definition.grain, result.definition.time_zone
    notes = [f"Times are of {zone}."]
    if result.previous:
        notes.append(f"Compared with {span_words(result.previous.since, result.previous.until, zone)}.")
    if result.first_is_partial:
        notes.append(f"The first {grain} is not counted from its beginning.")
    if result.last_is_partial:
        notes.append(f"The last {grain} is not over.")
    if any(series.other for series in result.series):
        notes.append(f"(other) stands for all groups beyond the first {result.definition.top}.")
    return notes
