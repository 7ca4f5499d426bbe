"""`beatline generate`: the demo shop's events over HTTP, at a regular interval, until stopped."""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil, inf
from random import Random
from shutil import get_terminal_size
from signal import SIGINT, SIGTERM
from threading import Event, Lock, Thread
from types import FrameType

import msgspec

from beatline.pace import Pause, Schedule
from beatline.posting import Answer, Connection, NoAnswerError, ServerAwayError, Target
from beatline.shop import ShopEvent, walk

CONNECTIONS = 8
TIMEOUT_SECONDS = 10.0
GRACE_SECONDS = 3.0
TERMINAL_INTERVAL, PLAIN_INTERVAL = 1.0, 10.0

Clock = Callable[[], float]


@dataclass
class Tally:
    """What became of the events; each one sent ends as accepted, rejected or failed.

    rejected: refused for good. failed: no answer came, so nobody knows whether it was stored.
    repeated: posts that had to be sent again after 429 or 503.
    """

    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    failed: int = 0
    repeated: int = 0
    server_away: bool = False
    refusal: str = ""
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=1000))

    def record(self, answer: Answer, events: int) -> None:
        """Count a final answer to a post of `events` events."""
        rejected = answer.rejected(events)
        self.accepted += events - rejected
        self.rejected += rejected
        self.latencies.append(answer.seconds)
        if rejected:
            self.refusal = f"{answer.status} {answer.body[:300].decode(errors='replace')}"

    def line(self, rate: float) -> str:
        """Everything in one line; `rate` is in accepted events a second."""
        p50, p95 = (seconds * 1000 for seconds in percentiles(list(self.latencies)))
        parts = ["server away, trying again"] if self.server_away else []
        parts += [f"{rate:,.1f} events/s"]
        counted = ("sent", "accepted", "rejected", "failed")
        parts += [f"{name} {getattr(self, name):,}" for name in counted]
        parts += [f"repeated posts {self.repeated:,}"] if self.repeated else []
        return " · ".join([*parts, f"p50 {p50:.1f} p95 {p95:.1f} ms"])


class Generator:
    """Sends a schedule's events over several connections, one thread each, and tallies them."""

    def __init__(self, target: Target, schedule: Schedule, stop: Event, clock: Clock) -> None:
        self.tally = Tally()
        self._target, self._schedule, self._stop, self._clock = target, schedule, stop, clock
        self._pause = Pause()
        self._lock = Lock()

    def line(self, rate: float) -> str:
        with self._lock:
            return self.tally.line(rate)

    def start(self) -> list[Thread]:
        """Start sending; the threads end with the schedule or when `stop` is set."""
        threads = [Thread(target=self._send_all, daemon=True) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        return threads

    def _send_all(self) -> None:
        connection = Connection(self._target, TIMEOUT_SECONDS)
        while not self._stop.is_set():
            with self._lock:
                due, events = self._schedule.take(self._clock())
            if not events:
                break
            self._wait_until(due)
            if not self._stop.is_set():
                self._deliver(connection, events)
        connection.close()

    def _deliver(self, connection: Connection, events: list[ShopEvent]) -> None:
        path, body = encode(events, datetime.now(UTC))
        sent = False
        while not self._stop.is_set():
            try:
                connection.open()
                if not sent:
                    self._count(sent=len(events))
                sent = True
                answer = connection.post(path, body)
            except ServerAwayError:
                self._hold_back()
            except NoAnswerError:
                self._count(failed=len(events))
                return
            else:
                if self._settle(answer, len(events)):
                    return
            self._wait_until(self._pause.until)
        if sent:
            self._count(failed=len(events))

    def _settle(self, answer: Answer, events: int) -> bool:
        """Record the answer; False when the post has to be repeated after a pause."""
        with self._lock:
            self.tally.server_away = False
            self._pause.answered()
            if answer.repeatable:
                self.tally.repeated += 1
                self._pause.requested(self._clock(), answer.retry_after)
                return False
            self.tally.record(answer, events)
            return True

    def _hold_back(self) -> None:
        with self._lock:
            self.tally.server_away = True
            self._pause.server_away(self._clock())

    def _count(self, sent: int = 0, failed: int = 0) -> None:
        with self._lock:
            self.tally.sent += sent
            self.tally.failed += failed

    def _wait_until(self, due: float) -> None:
        while (seconds := max(due, self._pause.until) - self._clock()) > 0:
            if self._stop.wait(seconds):
                return


def run(url: str, rate: float, duration: float | None = None, seed: int | None = None) -> int:
    """Send `rate` events a second to the collector at `url` for `duration` seconds (or for ever).

    Without a seed every run has visitors of its own. Returns the exit code: 0 when events were
    accepted and none refused for good, 1 otherwise, 2 when the arguments make no sense.
    """
    try:
        target = Target.parse(url)
    except ValueError as error:
        return _usage(str(error))
    if not all(0 < number < inf for number in (rate, 1 if duration is None else duration)):
        return _usage("rate and duration have to be positive numbers")
    clock, stop = time.monotonic, Event()
    with _signals() as received:
        began = clock()
        schedule = Schedule(walk(Random(seed), rate), rate, duration, began)
        generator = Generator(target, schedule, stop, clock)
        threads = generator.start()
        latest = inf if duration is None else began + duration + GRACE_SECONDS
        _report(generator, lambda: not received and clock() < latest and _alive(threads), clock)
        stop.set()
        _join(threads, GRACE_SECONDS, clock)
    return _summarise(generator, clock() - began)


def encode(events: list[ShopEvent], now: datetime) -> tuple[str, bytes]:
    """Path and body of a post: a single event goes to /track, several as a batch."""
    timestamp = now.isoformat()
    stamped = [{**event, "timestamp": timestamp} for event in events]
    if len(stamped) == 1:
        return "/track", msgspec.json.encode(stamped[0])
    return "/api/v1/analytics/batch/", msgspec.json.encode({"events": stamped})


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """Median and 95th percentile by nearest rank; zeros when there is nothing yet."""
    if not seconds:
        return 0.0, 0.0
    ranked = sorted(seconds)
    return ranked[ceil(0.5 * len(ranked)) - 1], ranked[ceil(0.95 * len(ranked)) - 1]


def _report(generator: Generator, going_on: Callable[[], bool], clock: Clock) -> None:
    """Show a line from time to time while it goes on: in place on a terminal, else one by one."""
    interval = TERMINAL_INTERVAL if sys.stdout.isatty() else PLAIN_INTERVAL
    shown_at, accepted = clock(), 0
    while going_on():
        time.sleep(0.1)
        if (elapsed := clock() - shown_at) >= interval:
            _show(generator.line((generator.tally.accepted - accepted) / elapsed))
            shown_at, accepted = clock(), generator.tally.accepted


def _show(line: str) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[2K{line[: get_terminal_size().columns - 1]}")
    else:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _summarise(generator: Generator, seconds: float) -> int:
    tally = generator.tally
    tally.failed = tally.sent - tally.accepted - tally.rejected
    line = generator.line(tally.accepted / seconds)
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


def _alive(threads: list[Thread]) -> bool:
    return any(thread.is_alive() for thread in threads)


def _join(threads: list[Thread], grace: float, clock: Clock) -> None:
    latest = clock() + grace
    for thread in threads:
        thread.join(max(0.0, latest - clock()))


def _usage(message: str) -> int:
    print(f"beatline generate: {message}", file=sys.stderr)
    return 2
