"""threshold: a number of a rolling window is above or below a level."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from beatline.accounts.access import Permission
from beatline.watches.counts import Count, Source
from beatline.watches.kinds.condition import NOTHING, SETTLE, Faults, Level, OfEvents, Reading
from beatline.watches.states import Verdict

SOURCES = {"users": Source.USERS, "sessions": Source.SESSIONS, "rejected": Source.REJECTED}
IN_WORDS = {"users": "users", "sessions": "sessions", "rejected": "rejected events"}


class Threshold(OfEvents, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """measure: events (of a type, views of a page, or all), users or sessions that were there, or rejected
    events. It holds while the number is above, or below, the level."""

    query: ClassVar[str] = "watch_kind_threshold"

    measure: Literal["events", "users", "sessions", "rejected"]
    direction: Literal["above", "below"]
    level: Level

    @property
    def permission(self) -> Permission:
        """Rejected events are not everybody's to know of."""
        return Permission.READ_REJECTED if self.measure == "rejected" else Permission.READ_NUMBERS

    @property
    def settle(self) -> timedelta:
        """Few events may be few that have come so far."""
        return SETTLE if self.direction == "below" else NOTHING

    def faults(self, resolve_level: float | None) -> Faults:
        """Types and pages are of events; what is over lies on the good side of the level."""
        found = super().faults(resolve_level)
        for field in ("event_type", "page_url"):
            if self.measure != "events" and getattr(self, field) is not None:
                found[field] = ["Only with the measure events."]
        if self.direction == "below" and self.level == 0:
            found["level"] = ["Nothing is below 0."]
        if resolve_level is not None and self.is_worse(resolve_level, self.level):
            side = "below" if self.direction == "above" else "above"
            found["resolve_level"] = [f"Has to be the level or {side} it."]
        return found

    def counts(self, project_id: int, now: datetime) -> tuple[Count, ...]:
        """The one number."""
        if self.measure == "events":
            return (self.count(project_id, now),)
        return (Count(SOURCES[self.measure], project_id, "", now - self.window, now),)

    def judge(self, counted: Sequence[int], resolve_level: float | None, *, complete: bool) -> Reading:
        """What is missing could only make the number larger: above is certain, and not below is."""
        (value,) = counted
        good = self.level if resolve_level is None else resolve_level
        if self.is_worse(value, self.level):
            certain, verdict = self.direction == "above", Verdict.BREACHED
        else:
            certain = self.direction == "below"
            verdict = Verdict.BETWEEN if self.is_worse(value, good) else Verdict.CLEARED
        return Reading(float(value), verdict if complete or certain else Verdict.UNKNOWN)

    def is_worse(self, value: float, than: float) -> bool:
        """Whether a value lies beyond another one, away from good."""
        return value > than if self.direction == "above" else value < than

    def worse(self, one: float, other: float) -> float:
        """The larger one, or the smaller one below a level."""
        return max(one, other) if self.direction == "above" else min(one, other)

    def in_words(self) -> str:
        """As in: users of the last 5 minutes above 100."""
        what = IN_WORDS.get(self.measure) or self.events_in_words()
        return f"{what} of the last {self.window_in_words()} {self.direction} {self.level:,g}"
