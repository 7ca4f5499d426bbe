"""What a report asks: a measure of which events, over which time, grouped by what.

A definition is stored as JSON, and is what this module's structs make of it. Whoever takes one from
outside checks it with `problems`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from beatline.analytics.event_log import (
    FIRST,
    LAST,
    MOST_PROPERTIES,
    Filter,
    Operator,
    PropertyFilter,
)
from beatline.property_paths import parse_path
from beatline.reports.periods import (
    GRAINS,
    Fixed,
    Period,
    Rolling,
    Span,
    This,
    Unit,
    next_start,
    resolve,
    time_zones,
    unit_start,
)  # fmt: skip

PERCENTILES = (50, 75, 90, 95, 99)
MOST_GROUPINGS = 2  # beside time
MOST_GROUPS = 50
MOST_POINTS = 2_000
MOST_VALUES = 20_000  # points times groups
LONGEST = timedelta(days=3_660)
SHORTEST = {
    Unit.MINUTE: timedelta(minutes=1),
    Unit.HOUR: timedelta(hours=1),
    Unit.DAY: timedelta(days=1),
    Unit.WEEK: timedelta(days=7),
    Unit.MONTH: timedelta(days=28),
}

Problems = dict[str, Any]  # {field: [sentence]}, nested as the definition is


class Kind(StrEnum):
    """What is measured. Users are user ids, or anonymous ids of events without one; sessions are told
    apart as active sessions are; the others are of a property, of the events in which it is a number."""

    COUNT = "count"
    USERS = "users"
    SESSIONS = "sessions"
    SUM = "sum"
    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    PERCENTILE = "percentile"


OF_EVENTS = (Kind.COUNT, Kind.USERS, Kind.SESSIONS)


class By(StrEnum):
    """What events are grouped by. A segment is a trait of their user, as it is when the report runs."""

    EVENT_TYPE = "event_type"
    PAGE = "page"
    PROPERTY = "property"
    SEGMENT = "segment"


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A measure; property: nested ones with dots. percentile: one of PERCENTILES, interpolated."""

    kind: Kind = Kind.COUNT
    property: str | None = None
    percentile: int | None = None


class Grouping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to group by; property: that or the trait, nested ones with dots."""

    by: By
    property: str | None = None


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a property is asked, as in the event log. The value's type counts."""

    property: str
    operator: Operator = Operator.EQUALS
    value: str | int | float | bool | None = None


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events; all that is given has to be so, as in the event log."""

    event_types: list[str] | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    session_id: str | None = None
    device_id: str | None = None
    page_url: str | None = None
    page_prefix: str | None = None
    properties: list[Condition] = []


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report. grain: the points of time, None for the whole period. groups: the `top` ones with the
    highest measure, the others together. compare: with the previous period."""

    period: Period
    measure: Measure = Measure()
    grain: Unit | None = None
    groupings: list[Grouping] = []
    filters: Conditions = Conditions()
    top: int = 10
    compare: bool = False
    time_zone: str = "UTC"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)


def from_json(content: Any) -> Definition:
    """The definition that JSON is, decoded already. Raises msgspec.ValidationError."""
    return msgspec.convert(content, Definition)


def as_json(definition: Definition) -> dict[str, Any]:
    """A definition as JSON, to be encoded."""
    content: dict[str, Any] = msgspec.to_builtins(definition)
    return content


def as_filter(definition: Definition, project_id: int, span: Span) -> Filter:
    """The filter of the event log that lets through what a report measures."""
    named = msgspec.structs.asdict(definition.filters)
    asked = tuple(
        PropertyFilter(parse_path(each.property), each.operator, each.value)
        for each in named.pop("properties")
    )
    return Filter(project_id, span.since, span.until, properties=asked, **named)


def shows_only_numbers(definition: Definition) -> bool:
    """Whether it tells nobody's own data: it counts, by type and page at most."""
    of_somebody = ("user_id", "anonymous_id", "session_id", "device_id")
    filters = definition.filters
    return (
        definition.measure.kind in OF_EVENTS
        and all(each.by in (By.EVENT_TYPE, By.PAGE) for each in definition.groupings)
        and not filters.properties
        and all(getattr(filters, name) is None for name in of_somebody)
    )


def problems(definition: Definition, now: datetime) -> Problems:
    """What is wrong with a definition, by field; {} when it can be run."""
    found = {
        "measure": measure_problems(definition.measure),
        "groupings": groupings_problems(definition.groupings),
        "filters": filters_problems(definition.filters),
        "time_zone": []
        if definition.time_zone in time_zones()
        else ["Not a time zone, such as Europe/Berlin."],
        "top": [] if 1 <= definition.top <= MOST_GROUPS else [f"Has to be 1 to {MOST_GROUPS}."],
        "grain": [] if definition.grain in (None, *GRAINS) else ["Has to be a minute to a month."],
    }
    found = {name: what for name, what in found.items() if what}
    return found or period_problems(definition, now)


def measure_problems(measure: Measure) -> Problems:
    """What is wrong with a measure."""
    wants = measure.kind not in OF_EVENTS
    found = property_problems(measure.property, wanted=wants, by=measure.kind)
    if measure.kind is Kind.PERCENTILE and measure.percentile not in PERCENTILES:
        found["percentile"] = [f"Has to be one of {', '.join(map(str, PERCENTILES))}."]
    if measure.kind is not Kind.PERCENTILE and measure.percentile is not None:
        found["percentile"] = [f"A {measure.kind} has none."]
    return found


def groupings_problems(groupings: list[Grouping]) -> Problems | list[str]:
    """What is wrong with the groupings, by their place from 0 on."""
    if len(groupings) > MOST_GROUPINGS:
        return [f"At most {MOST_GROUPINGS}, beside time."]
    if len({(each.by, each.property) for each in groupings}) < len(groupings):
        return ["The same twice."]
    found = {}
    for place, each in enumerate(groupings):
        wants = each.by in (By.PROPERTY, By.SEGMENT)
        found[str(place)] = property_problems(each.property, wanted=wants, by=each.by)
    return {place: what for place, what in found.items() if what}


def property_problems(name: str | None, *, wanted: bool, by: str) -> Problems:
    """What is wrong with the name of a property, or that there is one at all."""
    if not wanted:
        return {} if name is None else {"property": [f"{by} takes none."]}
    try:
        parse_path(name or "")
    except ValueError as error:
        return {"property": [str(error)]}
    return {}


def filters_problems(filters: Conditions) -> Problems:
    """What is wrong with the filters on properties, by their place from 0 on. The values themselves are
    checked by whoever takes them from outside."""
    if len(filters.properties) > MOST_PROPERTIES:
        return {"properties": [f"At most {MOST_PROPERTIES}."]}
    named = {
        str(place): property_problems(each.property, wanted=True, by="filter")
        for place, each in enumerate(filters.properties)
    }
    found = {place: what for place, what in named.items() if what}
    return {"properties": found} if found else {}


def period_problems(definition: Definition, now: datetime) -> Problems:
    """What is wrong with the time, of a definition that is right otherwise."""
    period = definition.period
    if isinstance(period, Fixed):
        found = fixed_problems(period)
        if found:
            return {"period": found}
    elif not isinstance(period, This) and not 1 <= period.count <= LONGEST.days:
        return {"period": {"count": [f"Has to be 1 to {LONGEST.days}."]}}
    try:
        length = longest_length(definition, now)
    except (OverflowError, ValueError):  # of a calendar that begins with the year 1
        length = LONGEST + SHORTEST[Unit.DAY]
    if length > LONGEST:
        return {"period": [f"At most {LONGEST.days} days."]}
    return points_problems(definition, length)


def fixed_problems(period: Fixed) -> Problems:
    """What is wrong with a fixed period."""
    since, until = (at if at.tzinfo else at.replace(tzinfo=UTC) for at in (period.since, period.until))
    for name, at in (("since", since), ("until", until)):
        if not FIRST <= at <= LAST:
            return {name: ["Events are of the years 1970 to 2199."]}
    return {"until": ["Not after since."]} if until <= since else {}


def longest_length(definition: Definition, now: datetime) -> timedelta:
    """How long the period is; of a unit that is running, how long it becomes."""
    period, zone = definition.period, definition.zone
    if isinstance(period, This):
        start = unit_start(now, period.unit, zone)
        return next_start(start, period.unit, zone) - start
    if isinstance(period, Rolling):
        return now - resolve(period, zone, now).since
    span = resolve(period, zone, now)
    return span.until - span.since


def points_problems(definition: Definition, length: timedelta) -> Problems:
    """Whether there are too many points, or values."""
    if definition.grain is None:
        return {}
    points = length / SHORTEST[definition.grain]
    if points > MOST_POINTS:
        return {"grain": [f"More than {MOST_POINTS:,} points: take longer ones, or a shorter period."]}
    if definition.groupings and points * definition.top > MOST_VALUES:
        return {"top": [f"More than {MOST_VALUES:,} values: take fewer groups, or fewer points."]}
    return {}
