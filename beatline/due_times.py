"""When jobs are due: at multiples of a period in UTC, so no clock change moves, doubles or skips a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # a midnight


class Missed(StrEnum):
    """What becomes of runs whose time passed while nobody led the schedule."""

    ONCE = "once"  # the latest of them runs, in the place of all
    SKIP = "skip"  # none runs
    EACH = "each"  # all run, the oldest first, and each is told the time at which it was due


@dataclass(frozen=True)
class When:
    """Every so often; past: how long after the multiples of the period, counted from midnight UTC."""

    every: timedelta
    past: timedelta = timedelta(0)

    def latest(self, now: datetime) -> datetime:
        """The latest time that is not after now."""
        return now - (now - EPOCH - self.past) % self.every

    def next(self, now: datetime) -> datetime:
        """The first time after now."""
        return self.latest(now) + self.every


def every(**period: float) -> When:
    """Every timedelta(**period)."""
    return When(timedelta(**period))


def hourly(minute: int) -> When:
    """At a minute of each hour."""
    return When(timedelta(hours=1), timedelta(minutes=minute))


def daily(hour: int) -> When:
    """At an hour of each day."""
    return When(timedelta(days=1), timedelta(hours=hour))
