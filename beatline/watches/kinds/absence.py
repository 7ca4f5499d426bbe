"""absence: there was no such event for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from beatline.watches.counts import Count
from beatline.watches.kinds.condition import SETTLE, Faults, OfEvents, Reading
from beatline.watches.states import Verdict


class Absence(OfEvents, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """It holds while the window has no event; one event ends it, or as many as the resolve level."""

    query: ClassVar[str] = "watch_kind_absence"

    @property
    def settle(self) -> timedelta:
        """What did not come yet may be on its way."""
        return SETTLE

    def faults(self, resolve_level: float | None) -> Faults:
        """Some event ends an absence."""
        found = super().faults(resolve_level)
        if resolve_level is not None and not 1 <= resolve_level <= 1e15:
            found["resolve_level"] = ["Has to be 1 or more: so many events end the absence."]
        return found

    def counts(self, project_id: int, now: datetime) -> tuple[Count, ...]:
        """The events of the window."""
        return (self.count(project_id, now),)

    def judge(self, counted: Sequence[int], resolve_level: float | None, *, complete: bool) -> Reading:
        """What is missing may be the very event, but one that is there is certain."""
        (value,) = counted
        if value == 0:
            return Reading(0.0, Verdict.BREACHED if complete else Verdict.UNKNOWN)
        ended = value >= (resolve_level or 1)
        return Reading(float(value), Verdict.CLEARED if ended else Verdict.BETWEEN)

    def worse(self, one: float, other: float) -> float:
        """The smaller one."""
        return min(one, other)

    def in_words(self) -> str:
        """As in: no events of type buy for 5 minutes."""
        window = self.window_in_words()
        return f"no {self.events_in_words()} for {window if window[0].isdigit() else f'a whole {window}'}"
