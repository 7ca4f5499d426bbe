"""`beatline generate`: the demo shop's events over HTTP, at a regular interval, until stopped."""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil, inf
from random import Random
from shutil import get_terminal_size
from signal import SIGINT, SIGTERM
from types import FrameType
from typing import Any

from beatline_client import Attempt, BeatlineClientError, Client, DeliveryError, QueueFullError

from beatline.pace import CATCH_UP_SECONDS, Schedule
from beatline.shop import ShopEvent, walk

FLUSH_SECONDS = 0.05
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.1, 5.0
TIMEOUT_SECONDS = 10.0
GRACE_SECONDS = 3.0
STEP_SECONDS = 0.1
TERMINAL_INTERVAL, PLAIN_INTERVAL = 1.0, 10.0

Clock = Callable[[], float]
GoingOn = Callable[[], bool]


@dataclass
class Tally:
    """What became of the events; each one sent ends as accepted, rejected or failed.

    rejected: refused for good. failed: given up, so nobody knows whether it was stored. repeated: batches
    that had to be sent again; their events have ids, so none of them is stored twice.
    """

    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    failed: int = 0
    repeated: int = 0
    server_away: bool = False
    refusal: str = ""
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=1000))

    def attempted(self, attempt: Attempt) -> None:
        """Count a request with events."""
        self.server_away = attempt.status is None
        self.accepted += attempt.accepted
        self.repeated += attempt.retried
        if not self.server_away:
            self.latencies.append(attempt.seconds)

    def lost(self, error: BeatlineClientError, events: list[dict[str, Any]]) -> None:
        """Count events that were not stored."""
        if isinstance(error, DeliveryError) and error.status is None:
            self.failed += len(events)
        else:
            self.rejected += len(events)
            self.refusal = str(error)[:300]

    def line(self, rate: float) -> str:
        """Everything in one line; `rate` is in accepted events a second."""
        p50, p95 = (seconds * 1000 for seconds in percentiles(list(self.latencies)))
        parts = ["server away, trying again"] if self.server_away else []
        parts += [f"{rate:,.1f} events/s"]
        counted = ("sent", "accepted", "rejected", "failed")
        parts += [f"{name} {getattr(self, name):,}" for name in counted]
        parts += [f"repeated batches {self.repeated:,}"] if self.repeated else []
        return " · ".join([*parts, f"p50 {p50:.1f} p95 {p95:.1f} ms"])


class Display:
    """Shows the tally from time to time: in place on a terminal, else line by line."""

    def __init__(self, tally: Tally, clock: Clock) -> None:
        self._tally, self._clock = tally, clock
        self._interval = TERMINAL_INTERVAL if sys.stdout.isatty() else PLAIN_INTERVAL
        self._shown_at, self._accepted = clock(), 0

    def refresh(self) -> None:
        """Show a line when it is time for one."""
        elapsed = self._clock() - self._shown_at
        if elapsed < self._interval:
            return
        accepted = self._tally.accepted
        line = self._tally.line((accepted - self._accepted) / elapsed)
        self._shown_at, self._accepted = self._clock(), accepted
        if sys.stdout.isatty():
            line = f"\r\x1b[2K{line[: get_terminal_size().columns - 1]}"
        print(line, end="" if sys.stdout.isatty() else "\n", flush=True)


def run(
    url: str,
    rate: float,
    duration: float | None = None,
    seed: int | None = None,
    write_key: str | None = None,
) -> int:
    """Send `rate` events a second to the collector at `url` for `duration` seconds (or for ever).

    Without a seed every run has visitors of its own. Returns the exit code: 0 when events were
    accepted and none refused for good, 1 otherwise, 2 when the arguments make no sense.
    """
    if not all(0 < number < inf for number in (rate, 1 if duration is None else duration)):
        return _usage("rate and duration have to be positive numbers")
    tally = Tally()
    try:
        client = connect(url, write_key, rate, tally)
    except ValueError as error:
        return _usage(str(error))
    clock = time.monotonic
    with _signals() as received:
        began = clock()
        schedule = Schedule(walk(Random(seed), rate), rate, duration, began)
        send(client, schedule, tally, clock, lambda: not received)
        client.close(GRACE_SECONDS)
    return _summarise(tally, clock() - began)


def connect(url: str, write_key: str | None, rate: float, tally: Tally) -> Client:
    """A client that never gives up and lets a few seconds of events wait; ValueError for no address."""
    return Client(
        url,
        write_key,
        flush_interval=FLUSH_SECONDS,
        max_queue=max(1000, ceil(rate * CATCH_UP_SECONDS)),
        timeout=TIMEOUT_SECONDS,
        max_retries=None,
        backoff=FIRST_RETRY_SECONDS,
        max_backoff=LONGEST_RETRY_SECONDS,
        gzip=False,  # the collector is usually on the same machine
        on_error=tally.lost,
        on_attempt=tally.attempted,
    )


def send(client: Client, schedule: Schedule, tally: Tally, clock: Clock, going_on: GoingOn) -> None:
    """Send the schedule's events when they are due, until it is over or `going_on` says no.

    While the client's queue is full nothing is taken from the schedule, which then lets go what it missed.
    """
    display = Display(tally, clock)

    def wait(until: float) -> bool:
        while (seconds := until - clock()) > 0 and going_on():
            display.refresh()
            time.sleep(min(seconds, STEP_SECONDS))
        return going_on()

    while going_on():
        due, events = schedule.take(clock())
        if not events or not wait(due):
            return
        for event in events:
            while not track(client, event):
                if not wait(clock() + STEP_SECONDS):
                    return
            tally.sent += 1
        display.refresh()


def track(client: Client, event: ShopEvent) -> bool:
    """Hand an event to the client; False when its queue is full."""
    try:
        client.track(
            event["user_id"],
            event["event_type"],
            event["properties"],
            session_id=event["session_id"],
            page_url=event["page_url"],
        )
    except QueueFullError:
        return False
    return True


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """Median and 95th percentile by nearest rank; zeros when there is nothing yet."""
    if not seconds:
        return 0.0, 0.0
    ranked = sorted(seconds)
    return ranked[ceil(0.5 * len(ranked)) - 1], ranked[ceil(0.95 * len(ranked)) - 1]


def _summarise(tally: Tally, seconds: float) -> int:
    line = tally.line(tally.accepted / seconds)
    sys.stdout.write("\r\x1b[2K" if sys.stdout.isatty() else "")
    print(f"stopped after {seconds:.1f} s · {line}")
    if tally.refusal:
        print(f"last refusal: {tally.refusal}")
    return 0 if tally.accepted and not tally.rejected else 1


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list instead of dying of them."""
    received: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    former = {number: signal.signal(number, remember) for number in (SIGINT, SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _usage(message: str) -> int:
    print(f"beatline generate: {message}", file=sys.stderr)
    return 2
