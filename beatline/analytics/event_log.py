"""The event log: which events pass a filter, the newest first, page by page.

A page costs the same however deep it lies: it begins at a place, (ts, event_id), and not at a number. What a
filter lets through may be rare, and nothing but time is indexed; so time is searched from the newest part to
the oldest, a bounded number of rows a statement, until the page is full or the time for it is over. What was
found is answered then, with the place to go on from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection

from beatline.analytics.windows import DAY
from beatline.events import utc_now
from beatline.property_indexes import Indexed, find_indexed
from beatline.storage.queries import query

MOST_PROPERTIES = 5  # filters of one request; matching_events has as many
FIRST = datetime(1970, 1, 1, tzinfo=UTC)  # events of other times are refused
LAST = datetime(2200, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
WIDTHS = (
    DAY,
    8 * DAY,
    64 * DAY,
    512 * DAY,
)  # of time searched at once: wider the further back, where less is
HOURS_AT_ONCE = 500
FEWEST_ROWS, MOST_ROWS = 5_000, 80_000  # that one statement looks at, twice as many each time


class Operator(StrEnum):
    """What a property may be asked (sql/migrations/0011_property_indexes/20_property_fits.sql)."""

    EQUALS = "equals"
    CONTAINS = "contains"
    EXISTS = "exists"
    GREATER = "greater"
    LESS = "less"


class PropertyFilter(NamedTuple):
    """A property, named by the way to it through the JSON, and what it is asked. The value's type counts."""

    path: tuple[str, ...]
    operator: Operator
    value: str | float | bool | None


@dataclass(frozen=True)
class Filter:
    """Which events of a project; None: any. Time is [since, until). A person is a user id, or an anonymous id
    of events that name no user. At most MOST_PROPERTIES properties."""

    project_id: int
    since: datetime = FIRST
    until: datetime = LAST
    event_types: list[str] | None = None
    user_id: str | None = None
    persons: list[str] | None = None
    anonymous_id: str | None = None
    session_id: str | None = None
    device_id: str | None = None
    page_url: str | None = None
    page_prefix: str | None = None
    properties: tuple[PropertyFilter, ...] = ()

    def parameters(self) -> dict[str, Any]:
        """The filter as parameters of the statements on matching_events."""
        named = {name: value for name, value in vars(self).items() if name != "properties"}
        for number in range(1, MOST_PROPERTIES + 1):
            given = self.properties[number - 1 : number]
            named[f"path_{number}"] = list(given[0].path) if given else None
            named[f"operator_{number}"] = given[0].operator.value if given else None
            named[f"wanted_{number}"] = as_json(given[0].value) if given else None
        return named | {"behind_ts": None, "behind_id": None}


class Place(NamedTuple):
    """Where a page begins: behind an event, or, without an id, at what is older than ts."""

    ts: datetime
    event_id: UUID | None = None


class Part(NamedTuple):
    """A part of time, [since, until)."""

    since: datetime
    until: datetime


class StoredEvent(msgspec.Struct, gc=False):
    """An event of the log; properties is JSON text."""

    event_id: UUID
    ts: datetime
    received_at: datetime
    event_type: str
    user_id: str | None
    anonymous_id: str | None
    session_id: str | None
    device_id: str | None
    page_url: str | None
    app_version: str | None
    os_name: str | None
    os_version: str | None
    properties: msgspec.Raw


class Page(NamedTuple):
    """Events, the newest first. next: where the next page begins, None behind the last one. searched_until:
    set when time was over before the page was full; everything from there on was searched."""

    events: list[StoredEvent]
    next: Place | None = None
    searched_until: datetime | None = None


def search(
    connection: Connection, wanted: Filter, behind: Place | None, limit: int, out_of_time: Callable[[], bool]
) -> Page:
    """A page of at most `limit` events behind a place. out_of_time is asked after each statement's part."""
    with connection.transaction():
        connection.execute(query("event_log_planning"))
        return fill_page(connection, wanted, behind, limit, out_of_time)


def fill_page(
    connection: Connection, wanted: Filter, behind: Place | None, limit: int, out_of_time: Callable[[], bool]
) -> Page:
    """The search itself: part after part, until the page is full."""
    found: list[StoredEvent] = []
    for part in parts(connection, wanted, behind):
        found += read_part(connection, wanted, part, behind, limit - len(found))
        if len(found) == limit:
            return Page(found, Place(found[-1].ts, found[-1].event_id))
        if part.since > wanted.since and out_of_time():
            return Page(found, Place(part.since), part.since)
    return Page(found)


def read_part(
    connection: Connection, wanted: Filter, part: Part, behind: Place | None, limit: int
) -> list[StoredEvent]:
    """The newest events of a part of time that pass. Not prepared: each plan has to see the values."""
    parameters = wanted.parameters() | part._asdict() | {"limit": limit}
    if behind and behind.event_id:
        parameters |= {"behind_ts": behind.ts, "behind_id": behind.event_id}
    rows = connection.execute(query("event_log_page"), parameters, prepare=False)
    return [stored_event(row) for row in rows]


def stored_event(row: Sequence[Any]) -> StoredEvent:
    """An event of its columns."""
    *columns, properties = row
    columns.append(msgspec.Raw(properties))
    return StoredEvent(*columns)


def parts(connection: Connection, wanted: Filter, behind: Place | None) -> Iterator[Part]:
    """The time to search, from the newest part to the oldest. A part holds a bounded number of rows, unless
    every row passes, or an index finds just those that do."""
    indexed = find_indexed(connection, wanted.project_id, equalities(wanted), utc_now())
    for part in ranges(connection, wanted, behind):
        base = indexed if indexed and part.until > indexed.since else None
        if asks_more_than(wanted, base):
            yield from cut(connection, wanted.project_id, part, base)
        else:
            yield part


def cut(connection: Connection, project_id: int, part: Part, indexed: Indexed | None) -> Iterator[Part]:
    """A part of time in parts of few rows, then of more; with an index only those count that it finds."""
    rows, until = FEWEST_ROWS, part.until
    while until > part.since:
        edge = boundary(connection, project_id, Part(part.since, until), indexed, rows) or part.since
        yield Part(edge, until)
        rows, until = min(2 * rows, MOST_ROWS), edge


def equalities(wanted: Filter) -> dict[tuple[str, ...], str]:
    """The properties that are to have a value, and which, as JSON."""
    equal = (each for each in wanted.properties if each.operator is Operator.EQUALS)
    return {each.path: as_json(each.value) for each in equal}


def asks_more_than(wanted: Filter, indexed: Indexed | None) -> bool:
    """Whether a filter asks for more than time and what an index on a property answers."""
    columns = vars(wanted).keys() - {"project_id", "since", "until", "properties"}
    asked = any(getattr(wanted, name) is not None for name in columns)
    return asked or len(wanted.properties) > (1 if indexed else 0)


def boundary(
    connection: Connection, project_id: int, part: Part, indexed: Indexed | None, rows: int
) -> datetime | None:
    """The time that cuts so many rows off a part of time; None when it holds no more than those."""
    counted = {"path": list(indexed.path), "wanted": indexed.wanted} if indexed else NOTHING_INDEXED
    parameters = {"project_id": project_id, "rows": rows} | part._asdict() | counted
    row = connection.execute(query("event_log_boundary"), parameters, prepare=False).fetchone()
    return row[0] if row else None


NOTHING_INDEXED: dict[str, Any] = {"path": None, "wanted": None}


def ranges(connection: Connection, wanted: Filter, behind: Place | None) -> Iterator[Part]:
    """The time in which there may be events that pass, the newest first. In which hours a user or a type has
    events, the aggregates know; otherwise it is all time, more and more at once."""
    until = min(wanted.until, top_of(behind))
    persons = wanted.persons or ([wanted.user_id] if wanted.user_id is not None else None)
    if persons:
        return hours_with(connection, "event_log_hours_of_users", persons, wanted, until)
    if wanted.event_types:
        return hours_with(connection, "event_log_hours_of_types", wanted.event_types, wanted, until)
    return widening(wanted.since, until)


def top_of(behind: Place | None) -> datetime:
    """The time before which everything behind a place lies."""
    if behind is None:
        return LAST
    return behind.ts + MICROSECOND if behind.event_id else behind.ts


def widening(since: datetime, until: datetime) -> Iterator[Part]:
    """Parts of [since, until) that get wider the older they are; the first one begins a day ago."""
    for width in WIDTHS:
        if until <= since:
            return
        start = max(since, min(until, utc_now()) - width)
        yield Part(start, until)
        until = start
    yield Part(since, until)


def hours_with(
    connection: Connection, name: str, names: list[str], wanted: Filter, until: datetime
) -> Iterator[Part]:
    """The hours of [since, until) in which an aggregate has any of the names, those in a row as one part."""
    first_hour = wanted.since.replace(minute=0, second=0, microsecond=0)
    while until > wanted.since:
        parameters = {
            "project_id": wanted.project_id, "names": names, "limit": HOURS_AT_ONCE,
            "since": first_hour, "until": until,
        }  # fmt: skip
        rows = connection.execute(query(name), parameters, prepare=False)
        hours = [hour for (hour,) in rows]
        for part in in_a_row(hours):
            yield Part(max(part.since, wanted.since), min(part.until, until))
        if len(hours) < HOURS_AT_ONCE:
            return
        until = hours[-1]


def in_a_row(hours: list[datetime]) -> Iterator[Part]:
    """Hours, the newest first, as parts of time that do not touch."""
    part: Part | None = None
    for hour in hours:
        if part and hour + HOUR == part.since:
            part = Part(hour, part.until)
            continue
        if part:
            yield part
        part = Part(hour, hour + HOUR)
    if part:
        yield part


def as_json(value: Any) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()
