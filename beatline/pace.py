"""When to send: an open-loop schedule, and the pauses that a server asks for or causes.

An event is due at `start + n / rate` however long the answers take. Who falls behind by more than
`CATCH_UP_SECONDS` lets the missed part go. Times are seconds of a monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import ceil

from beatline.shop import ShopEvent

POSTS_PER_SECOND = 200
LARGEST_BATCH = 500
CATCH_UP_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
FIRST_RECONNECT_SECONDS = 0.1
LONGEST_RECONNECT_SECONDS = 5.0


class Schedule:
    """Hands out events in posts of a fixed size, each with the moment at which it is due."""

    def __init__(
        self, events: Iterator[ShopEvent], rate: float, duration: float | None, start: float
    ) -> None:
        self._events = events
        self._rate = rate
        self._size = min(LARGEST_BATCH, ceil(rate / POSTS_PER_SECOND))
        self._end = None if duration is None else start + duration
        self._left = None if duration is None else ceil(rate * duration)
        self._start, self._taken = start, 0

    def take(self, now: float) -> tuple[float, list[ShopEvent]]:
        """The next post's due time and events; no events when the duration is over."""
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


class Pause:
    """A moment before which no connection sends anything, because the server asked or is away."""

    def __init__(self) -> None:
        self.until = 0.0
        self._failures = 0

    def requested(self, now: float, seconds: float) -> None:
        self.until = max(self.until, now + min(seconds, LONGEST_PAUSE_SECONDS))

    def server_away(self, now: float) -> None:
        """Wait twice as long as the last time; failures within one pause count once."""
        if now < self.until:
            return
        self.until = now + min(LONGEST_RECONNECT_SECONDS, FIRST_RECONNECT_SECONDS * 2**self._failures)
        self._failures += 1

    def answered(self) -> None:
        self._failures = 0
