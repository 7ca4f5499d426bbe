"""What every kind of condition is, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import msgspec
from msgspec import Meta

from beatline.accounts.access import Permission
from beatline.analytics.windows import MINUTE
from beatline.watches.counts import Count, Source, parameters_of
from beatline.watches.states import Verdict

# Each width costs every evaluation the reading of a part of a minute from the events, so there are few.
Window = Literal[1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440]
EventType = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
PageUrl = Annotated[str, Meta(min_length=1, max_length=2_048, pattern=r"^[^\x00]*$")]
Level = Annotated[float, Meta(ge=0, le=1e15)]
Faults = dict[str, list[str]]

SETTLE = timedelta(minutes=1)  # for which too few events are too few, before it is believed
NOTHING = timedelta()


class Reading(NamedTuple):
    """What a condition came to: its value, and what that says."""

    value: float
    verdict: Verdict


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A condition of some kind. Its fields are what people write; it is judged by numbers that were counted.

    query: the statement that answers the counts of all watches of the kind.
    """

    query: ClassVar[str]

    @classmethod
    def parameters(cls, counts: Sequence[Count], now: datetime) -> dict[str, Any]:
        """The parameters of the kind's statement."""
        return parameters_of(counts)

    @property
    def permission(self) -> Permission:
        """What its owner has to be allowed to read."""
        return Permission.READ_NUMBERS

    @property
    def settle(self) -> timedelta:
        """For how long it holds at least before it fires, whatever the watch says."""
        return NOTHING

    def faults(self, resolve_level: float | None) -> Faults:
        """What does not go together: {field: [message]}."""
        raise NotImplementedError

    def counts(self, project_id: int, now: datetime) -> tuple[Count, ...]:
        """What has to be counted."""
        raise NotImplementedError

    def judge(self, counted: Sequence[int], resolve_level: float | None, *, complete: bool) -> Reading:
        """What the numbers come to. complete: no acknowledged event is still missing in them; else they are
        the least that it can be."""
        raise NotImplementedError

    def worse(self, one: float, other: float) -> float:
        """Which value is further from good."""
        return max(one, other)

    def in_words(self) -> str:
        """The condition, for a notification."""
        raise NotImplementedError


class OfEvents(Condition, frozen=True, kw_only=True):
    """A condition on how many events there are: of a type, views of a page, or all. window_minutes: of the
    window (now - window, now]."""

    window_minutes: Window
    event_type: EventType | None = None
    page_url: PageUrl | None = None

    def faults(self, resolve_level: float | None) -> Faults:
        """A type and a page exclude each other: views of a page are counted, whatever their type."""
        both = self.event_type is not None and self.page_url is not None
        return (
            {"page_url": ["Not together with event_type: what is counted are views of the page."]}
            if both
            else {}
        )

    @property
    def window(self) -> timedelta:
        """The width of the window."""
        return self.window_minutes * MINUTE

    def count(self, project_id: int, until: datetime) -> Count:
        """The events of the window that ends at a time."""
        since = until - self.window
        if self.event_type is not None:
            return Count(Source.TYPE, project_id, self.event_type, since, until)
        if self.page_url is not None:
            return Count(Source.PAGE, project_id, self.page_url, since, until)
        return Count(Source.ALL, project_id, "", since, until)

    def events_in_words(self) -> str:
        """What is counted."""
        if self.event_type is not None:
            return f"events of type {self.event_type}"
        return f"views of {self.page_url}" if self.page_url is not None else "events"

    def window_in_words(self) -> str:
        """The window."""
        hours, minutes = divmod(self.window_minutes, 60)
        number, unit = (self.window_minutes, "minute") if minutes else (hours, "hour")
        return unit if number == 1 else f"{number} {unit}s"
