"""The rolling windows. A window that ends at `now` is (now - width, now], exact to the microsecond."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

ACTIVE = timedelta(minutes=5)
PAGES = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
LATEST = datetime.max.replace(tzinfo=UTC)


def minutes_of(now: datetime, width: timedelta) -> dict[str, Any]:
    """The window's bounds, and the whole minutes that an aggregate per minute can answer for it:
    [first_minute, minutes_end), the last of which is still running."""
    since = now - width
    return {
        "since": since,
        "first_minute": next_minute(since),
        "until": now,
        "minutes_end": next_minute(now),
    }


def next_minute(at: datetime) -> datetime:
    """The first whole minute after a time."""
    return at.replace(second=0, microsecond=0) + MINUTE


def days_between(start: date, end: date) -> dict[str, datetime]:
    """Whole UTC days, both inclusive, as [start, stop)."""
    first = datetime(start.year, start.month, start.day, tzinfo=UTC)
    last = datetime(end.year, end.month, end.day, tzinfo=UTC)
    return {"start": first, "stop": last + DAY if end < date.max else LATEST}
