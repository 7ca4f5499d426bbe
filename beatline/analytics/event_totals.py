"""How many events pass a filter of the event log: exact where the aggregates know, else the planner's
guess."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import Connection

from beatline.analytics.event_log import FIRST, HOUR, Filter, Page, Part, Place
from beatline.analytics.windows import DAY, MINUTE
from beatline.storage.queries import query, read_count

VIEWS = {"view", "page_view"}  # what the aggregates of pages count
UNITS = (("event_total_by_day", DAY), ("event_total_by_hour", HOUR), ("event_total_by_minute", MINUTE))
RAW = "event_total_raw"
COUNTED = {"project_id", "since", "until", "event_types"}
COUNTED_PAGES = COUNTED | {"page_url", "page_prefix"}


class Total(NamedTuple):
    """How many events, and whether that is exact."""

    events: int
    exact: bool


def total(connection: Connection, wanted: Filter, behind: Place | None, page: Page) -> Total | None:
    """How many events pass; page: what was found. None behind the first page, which has said it."""
    if behind is not None:
        return None
    if page.next is None:
        return Total(len(page.events), True)
    if aggregates_know(wanted):
        counted = sum(
            read_count(connection, name, as_parameters(wanted, part)) for name, part in tiles(wanted)
        )
        return Total(counted, True)
    return Total(max(estimate(connection, wanted), len(page.events)), False)


def aggregates_know(wanted: Filter) -> bool:
    """Whether only time and type are asked for, or only views of pages."""
    asked = {name for name, value in vars(wanted).items() if value}
    pages_known = set(wanted.event_types or ()) == VIEWS
    return asked <= (COUNTED_PAGES if pages_known else COUNTED)


def as_parameters(wanted: Filter, part: Part) -> dict[str, object]:
    """The parameters of the statements that count a part of time."""
    return {name: getattr(wanted, name) for name in COUNTED_PAGES} | part._asdict()


def tiles(wanted: Filter) -> Iterator[tuple[str, Part]]:
    """The time of a filter in whole days, then hours and minutes at its ends, then what is left of a minute;
    each with the statement that counts it."""
    return tiles_of(wanted.since, wanted.until, UNITS)


def tiles_of(
    since: datetime, until: datetime, units: tuple[tuple[str, timedelta], ...]
) -> Iterator[tuple[str, Part]]:
    """[since, until) in parts of these units, the largest first, and the raw rest."""
    if since >= until:
        return
    if not units:
        yield RAW, Part(since, until)
        return
    (name, width), *smaller = units
    first, last = ceiling(since, width), floor(until, width)
    if first < last:
        yield name, Part(first, last)
        yield from tiles_of(since, first, tuple(smaller))
        yield from tiles_of(last, until, tuple(smaller))
    else:
        yield from tiles_of(since, until, tuple(smaller))


def floor(at: datetime, width: timedelta) -> datetime:
    """The last multiple of a width up to a time."""
    return FIRST + (at - FIRST) // width * width


def ceiling(at: datetime, width: timedelta) -> datetime:
    """The first multiple of a width from a time on."""
    return FIRST - (FIRST - at) // width * width


def estimate(connection: Connection, wanted: Filter) -> int:
    """How many events the planner expects to pass."""
    row = connection.execute(query("event_log_estimate"), wanted.parameters(), prepare=False).fetchone()
    return int(row[0][0]["Plan"]["Plan Rows"]) if row else 0
