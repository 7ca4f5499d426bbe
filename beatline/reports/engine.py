"""Answering a report: from the aggregates where they know exactly, else from the events.

- Events, or views of pages, by type or page at most: counts per minute, hour and day, with the partial
  minutes at both ends from the events.
- Users without any filter or grouping: users per hour, with the partial hours at both ends from the
  events.
- Everything else: events, all of the period. That may take long, so it has a limit of time.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection, errors

from beatline.analytics.event_log import HOUR, Filter
from beatline.analytics.event_totals import RAW, VIEWS, ceiling, floor, tiles_of
from beatline.analytics.windows import DAY, MINUTE
from beatline.errors import NotPossible
from beatline.property_paths import parse_path
from beatline.reports.definition import OF_EVENTS, By, Definition, Grouping, Kind, as_filter
from beatline.reports.periods import Points, Span, local, next_start, points_of, previous, resolve
from beatline.reports.result import (
    Number,
    Previous,
    Result,
    Series,
    Value,
    columns_of,
    label_of,
)  # fmt: skip
from beatline.storage.queries import query

SECONDS = 10.0
MOST_COUNTED = 100_000  # rows that aggregates may give; with more, the database counts the events instead
LARGEST_INTEGER = 2**53  # that readers of JSON tell from its neighbours
AGGREGATES, EVENTS = "aggregates", "events"
UNITS = (("day", DAY), ("hour", HOUR), ("minute", MINUTE))


class TooLong(NotPossible):
    """A report took longer than it may."""


class Group(NamedTuple):
    """The values of a group, and as JSON text the way the database writes it."""

    values: tuple[Value, ...]
    text: str


ALL = Group((), "[]")


@dataclass(frozen=True)
class Question:
    """A report about one span of time. ends: by time.monotonic()."""

    connection: Connection
    definition: Definition
    wanted: Filter
    points: Points
    ends: float

    def run(self, name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement, which may take as long as is left. Raises TooLong. Not prepared: its
        plan has to see the values."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TooLong(TOO_LONG)
        self.connection.execute(query("report_time_limit"), {"milliseconds": max(1, int(1_000 * left))})
        return self.connection.execute(query(name), parameters, prepare=False).fetchall()

    def parameters(self) -> dict[str, Any]:
        """The filter, the points, what to group by and what to measure, as parameters of statements."""
        measure = self.definition.measure
        named = self.wanted.parameters() | {
            "starts": self.points.starts,
            "measure": measure.kind.value,
            "fraction": (measure.percentile or 0) / 100,
            "number_path": path_of(measure.property),
        }
        for number in (1, 2):
            named |= grouping_parameters(number, self.definition.groupings[number - 1 : number])
        return named


@dataclass
class Answer:
    """Measures by (point, place), both from 1 on. place: of the group in `groups`, 0 for all others;
    point or place None: the measure of all of them."""

    asked: Question
    groups: list[Group]
    source: str
    measured: dict[tuple[int | None, int | None], float | None] = field(default_factory=dict)

    def number(self, point: int | None, place: int | None) -> Number:
        """A measure as it is told. Of no events at all, a count or sum is 0, and there is no other."""
        measured, kind = self.measured.get((point, place)), self.asked.definition.measure.kind
        if kind in OF_EVENTS:
            return int(measured or 0)
        if kind is Kind.SUM:
            return float(measured or 0)
        return None if measured is None else float(measured)

    def points(self, place: int | None) -> list[Number]:
        """The measure at each point; [] of a report without points."""
        points = len(self.asked.points.starts) if self.asked.definition.grain else 0
        return [self.number(point, place) for point in range(1, points + 1)]


TOO_LONG = "The report takes too long: take a shorter period, fewer groups, or stricter filters."


def run_report(
    connection: Connection, project_id: int, definition: Definition, now: datetime, seconds: float = SECONDS
) -> Result:
    """Answer a definition without problems, as of now, in a transaction of its own.

    Raises TooLong after so many seconds.
    """
    ends = time.monotonic() + seconds
    span = resolve(definition.period, definition.zone, now)
    try:
        with connection.transaction():
            connection.execute(query("report_snapshot"))
            current = question(connection, project_id, definition, span, ends)
            answer = answer_of(current, None)
            before = None
            if definition.compare:
                span_before = previous(definition.period, span, definition.zone)
                earlier = question(connection, project_id, definition, span_before, ends)
                before = answer_of(earlier, answer.groups)
    except errors.QueryCanceled as error:
        raise TooLong(TOO_LONG) from error
    return result_of(answer, before, now)


def question(
    connection: Connection, project_id: int, definition: Definition, span: Span, ends: float
) -> Question:
    """A report about a span."""
    points = points_of(span, definition.grain, definition.zone)
    return Question(connection, definition, as_filter(definition, project_id, span), points, ends)


def answer_of(asked: Question, groups: list[Group] | None) -> Answer:
    """The answer; about these groups, when they are given, else about the top ones."""
    return from_counts(asked, groups) or from_users(asked) or from_events(asked, groups)


# From aggregates


def from_counts(asked: Question, groups: list[Group] | None) -> Answer | None:
    """The answer of counts per minute, hour and day; None when they do not know it."""
    name, units = counts_that_know(asked), aligned_units(asked.points)
    if name is None or not units:
        return None
    cells: Counter[tuple[int, tuple[Value, ...]]] = Counter()
    parameters = asked.parameters() | {"grouped": bool(asked.definition.groupings), "limit": MOST_COUNTED}
    for unit, part in tiles_of(asked.wanted.since, asked.wanted.until, units):
        tile = {"unit": "raw" if unit == RAW else unit, **part._asdict()}
        rows = asked.run(name, parameters | tile)
        if len(rows) == MOST_COUNTED:
            return None
        for point, key, counted in rows:
            cells[point, (key,) if asked.definition.groupings else ()] += counted
    return summed(asked, cells, top_groups(cells, asked.definition) if groups is None else groups)


def counts_that_know(asked: Question) -> str | None:
    """The statement on aggregates that counts what is asked for, if any does."""
    definition, filters = asked.definition, asked.definition.filters
    if definition.measure.kind is not Kind.COUNT or filters.properties:
        return None
    given = {name for name, value in msgspec.structs.asdict(filters).items() if value}
    by = [each.by for each in definition.groupings]
    if given <= {"event_types"} and by in ([], [By.EVENT_TYPE]):
        return "report_counts"
    views = set(filters.event_types or ()) == VIEWS
    of_a_page = given - {"event_types"} and given <= {"event_types", "page_url", "page_prefix"}
    return "report_views" if views and of_a_page and by in ([], [By.PAGE]) else None


def aligned_units(points: Points) -> tuple[tuple[str, timedelta], ...]:
    """The widths of aggregates of which no bucket lies across the start of a point, the largest first."""
    return tuple(
        (name, width) for name, width in UNITS if all(floor(at, width) == at for at in points.starts[1:])
    )


def top_groups(cells: Counter[tuple[int, tuple[Value, ...]]], definition: Definition) -> list[Group]:
    """The groups with the most events, ties by their text."""
    totals: Counter[tuple[Value, ...]] = Counter()
    for (_, values), counted in cells.items():
        totals[values] += counted
    if not definition.groupings:
        return [ALL]
    found = [Group(values, json.dumps(values, ensure_ascii=False)) for values in totals]
    return sorted(found, key=lambda group: (-totals[group.values], group.text))[: definition.top]


def summed(asked: Question, cells: Counter[tuple[int, tuple[Value, ...]]], groups: list[Group]) -> Answer:
    """Counts with all their sums."""
    places = {group.values: place for place, group in enumerate(groups, 1)}
    measured: Counter[tuple[int | None, int | None]] = Counter()
    for (point, values), counted in cells.items():
        place = places.get(values, 0)
        for cell in ((point, place), (None, place), (point, None), (None, None)):
            measured[cell] += counted
    return Answer(asked, groups, AGGREGATES, dict(measured))


def from_users(asked: Question) -> Answer | None:
    """The answer of users per hour; None when they do not know it."""
    definition, wanted = asked.definition, asked.wanted
    filtered = any(value for value in msgspec.structs.asdict(definition.filters).values())
    if definition.measure.kind is not Kind.USERS or definition.groupings or filtered:
        return None
    first_hour, last_hour = ceiling(wanted.since, HOUR), floor(wanted.until, HOUR)
    if first_hour >= last_hour or "hour" not in dict(aligned_units(asked.points)):
        return None
    hours = {"first_hour": first_hour, "last_hour": last_hour}
    rows = asked.run("report_users", asked.parameters() | hours)
    measured = {(point, place): users for point, users in rows for place in (1, None)}
    return Answer(asked, [ALL], AGGREGATES, measured)


# From events


def from_events(asked: Question, groups: list[Group] | None) -> Answer:
    """The answer of the events themselves."""
    if not asked.definition.groupings:
        groups = [ALL]
    elif groups is None:
        rows = asked.run("report_groups", asked.parameters() | {"limit": asked.definition.top})
        groups = [Group(tuple(map(shown, json.loads(text))), text) for text, _ in rows]
    keys = f"[{','.join(group.text for group in groups)}]"
    rows = asked.run("report_rows", asked.parameters() | {"keys": keys})
    return Answer(asked, groups, EVENTS, {(point, place): measured for point, place, measured in rows})


def grouping_parameters(number: int, given: list[Grouping]) -> dict[str, Any]:
    """A grouping, if it is given, as parameters."""
    if not given:
        return {f"group_{number}": None, f"group_path_{number}": None}
    return {f"group_{number}": given[0].by.value, f"group_path_{number}": path_of(given[0].property)}


def path_of(name: str | None) -> list[str] | None:
    """The way to a property."""
    return None if name is None else list(parse_path(name))


def shown(value: Value) -> Value:
    """A value of a group as it is told. Integers that JSON's readers would round are text."""
    return str(value) if isinstance(value, int) and abs(value) > LARGEST_INTEGER else value


# The result


def result_of(answer: Answer, before: Answer | None, now: datetime) -> Result:
    """Answers about a period and the one before as a result."""
    definition, zone = answer.asked.definition, answer.asked.definition.zone
    span, labels = Span(answer.asked.wanted.since, answer.asked.wanted.until), answer.asked.points.labels
    grain = definition.grain
    return Result(
        definition=definition,
        columns=columns_of(definition),
        since=local(span.since, zone),
        until=local(span.until, zone),
        as_of=local(now, zone),
        source=EVENTS if EVENTS in {answer.source, before.source if before else None} else AGGREGATES,
        points=shown_points(answer),
        first_is_partial=grain is not None and labels[0] != span.since,
        last_is_partial=grain is not None and next_start(labels[-1], grain, zone) != span.until,
        series=[series_of(answer, before, place) for place in places_of(answer, before)],
        all=series_of(answer, before, None),
        previous=previous_of(before) if before else None,
    )


def places_of(answer: Answer, before: Answer | None) -> list[int]:
    """The places of the groups; 0, for all others, is the last one where there are others."""
    cells = [*answer.measured, *(before.measured if before else ())]
    others = [0] if any(place == 0 for _, place in cells) else []
    return [*range(1, len(answer.groups) + 1), *others]


def series_of(answer: Answer, before: Answer | None, place: int | None) -> Series:
    """The line of a group, of all others (0), or of all events (None)."""
    group = list(answer.groups[place - 1].values) if place else None
    label = {0: "Other", None: "All"}.get(place) or label_of(group or []) or "All"
    points = answer.points(place)
    return Series(
        label=label,
        group=group,
        other=place == 0,
        total=answer.number(None, place),
        points=points,
        previous_total=before.number(None, place) if before else None,
        previous_points=fitted(before.points(place), len(points)) if before else [],
    )


def fitted(points: list[Number], count: int) -> list[Number]:
    """Just so many points: cut, or filled up with none."""
    return [*points[:count], *[None] * (count - len(points))]


def previous_of(before: Answer) -> Previous:
    """The period before."""
    wanted, zone = before.asked.wanted, before.asked.definition.zone
    return Previous(local(wanted.since, zone), local(wanted.until, zone), shown_points(before))


def shown_points(answer: Answer) -> list[datetime]:
    """Where the points start; [] of a report without points."""
    definition = answer.asked.definition
    return [local(at, definition.zone) for at in answer.asked.points.labels] if definition.grain else []
