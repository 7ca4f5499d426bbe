"""change: a number differs by some percent from what it was before, or a week ago."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from beatline.watches.counts import Count, edges_of, stretch, wanted
from beatline.watches.kinds.condition import NOTHING, SETTLE, Faults, OfEvents, Reading
from beatline.watches.states import Verdict

WEEK = timedelta(days=7)
A_LONG_TIME = timedelta(days=4)  # ago: halfway to the windows of a week ago


class Change(OfEvents, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """It holds while the events of the window are percent more (up), fewer (down) or either than those of the
    same window just before it, or a week ago. minimum_count: unless one of both has so many events, nothing
    has changed that matters."""

    query: ClassVar[str] = "watch_kind_change"

    compared_with: Literal["window_before", "week_ago"]
    direction: Literal["up", "down", "either"]
    percent: Annotated[float, Meta(ge=0.01, le=1e6)]
    minimum_count: Annotated[int, Meta(ge=1, le=10**12)] = 10

    @classmethod
    def parameters(cls, counts: Sequence[Count], now: datetime) -> dict[str, Any]:
        """The windows of a week ago are a stretch of their own."""
        past = [count for count in counts if count.until < now - A_LONG_TIME]
        recent = [count for count in counts if count.until >= now - A_LONG_TIME]
        edges = edges_of(counts)
        return {"wanted": wanted(counts, edges), "edges": edges, **stretch(recent), **stretch(past, "past_")}

    @property
    def settle(self) -> timedelta:
        """Few events may be few that have come so far."""
        return NOTHING if self.direction == "up" else SETTLE

    def faults(self, resolve_level: float | None) -> Faults:
        """Fewer than none cannot be; what is over has changed by less."""
        found = super().faults(resolve_level)
        if self.direction == "down" and self.percent > 100:
            found["percent"] = ["At most 100 percent fewer."]
        if resolve_level is not None and not 0 <= resolve_level <= self.percent:
            found["resolve_level"] = ["Has to be from 0 to the percent."]
        return found

    def counts(self, project_id: int, now: datetime) -> tuple[Count, ...]:
        """The window, and what it is compared with."""
        before = now - (self.window if self.compared_with == "window_before" else WEEK)
        return self.count(project_id, now), self.count(project_id, before)

    def judge(self, counted: Sequence[int], resolve_level: float | None, *, complete: bool) -> Reading:
        """Events may be missing in either window, so nothing is certain then."""
        value = percent_of_change(*counted)
        size = {"up": value, "down": -value, "either": abs(value)}[self.direction]
        if not complete:
            verdict = Verdict.UNKNOWN
        elif max(counted) < self.minimum_count:
            verdict = Verdict.CLEARED
        elif size >= self.percent:
            verdict = Verdict.BREACHED
        elif resolve_level is not None and size > resolve_level:
            verdict = Verdict.BETWEEN
        else:
            verdict = Verdict.CLEARED
        return Reading(value, verdict)

    def worse(self, one: float, other: float) -> float:
        """The larger change in its direction."""
        if self.direction == "either":
            return max(one, other, key=abs)
        return max(one, other) if self.direction == "up" else min(one, other)

    def in_words(self) -> str:
        """As in: events of the last hour 50 % down on the same window a week ago."""
        direction = {"up": "up", "down": "down", "either": "up or down"}[self.direction]
        against = "the window before" if self.compared_with == "window_before" else "a week ago"
        what = f"{self.events_in_words()} of the last {self.window_in_words()}"
        return f"{what} {self.percent:g} % {direction} on {against}"


def percent_of_change(now: int, before: int) -> float:
    """By how many percent a number changed. Where there was nothing before, it is compared with one event."""
    return 100 * (now - before) / max(before, 1)
