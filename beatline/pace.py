"""When to send: an open-loop schedule.

An event is due at `start + n / rate` however long the answers take. Who falls behind by more than
`CATCH_UP_SECONDS` lets the missed part go. Times are seconds of a monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import ceil

from beatline.shop import ShopEvent

STEPS_PER_SECOND = 200
LARGEST_STEP = 500
CATCH_UP_SECONDS = 2.0


class Schedule:
    """Hands out events in steps of a fixed size, each with the moment at which it is due."""

    def __init__(
        self, events: Iterator[ShopEvent], rate: float, duration: float | None, start: float
    ) -> None:
        self._events = events
        self._rate = rate
        self._size = min(LARGEST_STEP, ceil(rate / STEPS_PER_SECOND))
        self._end = None if duration is None else start + duration
        self._left = None if duration is None else ceil(rate * duration)
        self._start, self._taken = start, 0

    def take(self, now: float) -> tuple[float, list[ShopEvent]]:
        """The next step's due time and events; no events when the duration is over."""
        late = now - CATCH_UP_SECONDS - self._due()
        if late > 0:
            self._start += late
        due = self._due()
        if self._end is not None and due >= self._end:
            return due, []
        size = self._size if self._left is None else min(self._size, self._left)
        self._taken += size
        if self._left is not None:
            self._left -= size
        return due, list(islice(self._events, size))

    def _due(self) -> float:
        return self._start + self._taken / self._rate
