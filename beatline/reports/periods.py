"""The time that a report is about, and its points: whole minutes, hours, days, … of a time zone.

Days and more begin at midnight of the time zone, so those on which clocks are changed have 23 or 25
hours. A midnight that the change skips is the moment of the change. Hours and minutes go by elapsed time:
the hour that is there twice is two points.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from beatline.analytics.event_log import FIRST, LAST


class Unit(StrEnum):
    """What time is counted in. Weeks begin on Monday."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


GRAINS = (Unit.MINUTE, Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH)
CLOCK = {Unit.MINUTE: timedelta(minutes=1), Unit.HOUR: timedelta(hours=1)}
MONTHS = {Unit.MONTH: 1, Unit.YEAR: 12}


class Fixed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="fixed"):
    """[since, until). Times without an offset are of the report's time zone."""

    since: datetime
    until: datetime


class Last(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="last"):
    """So many whole units that are over: last 1 day is yesterday."""

    count: int
    unit: Unit


class This(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="this"):
    """The unit that is running, from its start until now: this day is today."""

    unit: Unit


class Rolling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="rolling"):
    """From so many units ago until now."""

    count: int
    unit: Unit


Period = Fixed | Last | This | Rolling


class Span(NamedTuple):
    """[since, until), in UTC."""

    since: datetime
    until: datetime


class Points(NamedTuple):
    """The points of a span. labels: where each one's unit starts; starts: where what is counted in it
    starts, which of the first one may be later."""

    labels: list[datetime]
    starts: list[datetime]


@cache
def time_zones() -> frozenset[str]:
    """The names of time zones that are known."""
    return frozenset(available_timezones())


def resolve(period: Period, zone: ZoneInfo, now: datetime) -> Span:
    """The time that a period is, as of now."""
    match period:
        case Fixed(since, until):
            return Span(in_zone(since, zone), in_zone(until, zone))
        case Last(count, unit):
            return Span(unit_start(now, unit, zone, count), unit_start(now, unit, zone))
        case This(unit):
            return Span(unit_start(now, unit, zone), now)
        case Rolling(count, unit):
            return Span(shift(now, unit, -count, zone), now)


def previous(period: Period, span: Span, zone: ZoneInfo) -> Span:
    """The time before a span that it is compared with: just as long in the calendar, and of a unit that
    is running the same part of the one before."""
    since, until = span
    match period:
        case Fixed():
            before = wall_clock(since, zone) - (wall_clock(until, zone) - wall_clock(since, zone))
            return Span(in_zone(before, zone), since)
        case Last(count, unit):
            return Span(unit_start(since, unit, zone, count), since)
        case This(unit):
            return Span(unit_start(since, unit, zone, 1), min(shift(until, unit, -1, zone), since))
        case Rolling(count, unit):
            return Span(shift(since, unit, -count, zone), since)


def points_of(span: Span, grain: Unit | None, zone: ZoneInfo) -> Points:
    """The points of a span, at least one. Without a grain all of it is one."""
    if grain is None:
        return Points([span.since], [span.since])
    labels = [unit_start(span.since, grain, zone)]
    while (following := next_start(labels[-1], grain, zone)) < span.until:
        labels.append(following)
    return Points(labels, [span.since, *labels[1:]])


def unit_start(at: datetime, unit: Unit, zone: ZoneInfo, back: int = 0) -> datetime:
    """Where the unit starts that a time lies in, or so many units before it."""
    local = at.astimezone(zone)
    if unit in CLOCK:
        whole = local.replace(minute=0 if unit is Unit.HOUR else local.minute, second=0, microsecond=0)
        return whole.astimezone(UTC) - back * CLOCK[unit]
    return midnight(add(first_day(local.date(), unit), unit, -back), zone)


def next_start(at: datetime, unit: Unit, zone: ZoneInfo) -> datetime:
    """Where the unit ends that starts at a time."""
    if unit not in CLOCK:
        return unit_start(at, unit, zone, -1)
    after = at + CLOCK[unit]
    minute = after.astimezone(zone).minute  # clocks are changed by half an hour somewhere
    return after + timedelta(minutes=60 - minute) if unit is Unit.HOUR and minute else after


def first_day(day: date, unit: Unit) -> date:
    """The first day of the unit that a day lies in."""
    match unit:
        case Unit.WEEK:
            return day - timedelta(days=day.weekday())
        case Unit.MONTH:
            return day.replace(day=1)
        case Unit.YEAR:
            return day.replace(month=1, day=1)
        case _:
            return day


def add(day: date, unit: Unit, count: int) -> date:
    """So many units later. A day that a month does not have is its last one."""
    if unit in MONTHS:
        months = 12 * day.year + day.month - 1 + count * MONTHS[unit]
        first = date(months // 12, months % 12 + 1, 1)
        return first.replace(day=min(day.day, days_in_month(first)))
    return day + timedelta(days=count * (7 if unit is Unit.WEEK else 1))


def days_in_month(day: date) -> int:
    """How many days the month of a day has."""
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day


def shift(at: datetime, unit: Unit, count: int, zone: ZoneInfo) -> datetime:
    """So many units later: minutes and hours by elapsed time, others at the same time of the day."""
    if unit in CLOCK:
        return at + count * CLOCK[unit]
    local = wall_clock(at, zone)
    return in_zone(datetime.combine(add(local.date(), unit, count), local.time()), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Where a day starts."""
    return in_zone(datetime.combine(day, time()), zone)


def wall_clock(at: datetime, zone: ZoneInfo) -> datetime:
    """What clocks show."""
    return at.astimezone(zone).replace(tzinfo=None)


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """A time with the offset that the zone has then. Not with the zone itself: Python takes the two times
    that clocks show twice for the same."""
    there = at.astimezone(zone)
    return there.replace(tzinfo=timezone(there.utcoffset() or timedelta()))


def in_zone(at: datetime, zone: ZoneInfo) -> datetime:
    """A time in UTC; without an offset it is of the zone. Not before nor after all events."""
    aware = at if at.tzinfo else at.replace(tzinfo=zone)
    return min(max(aware.astimezone(UTC), FIRST), LAST)
