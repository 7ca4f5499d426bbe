"""A bounded queue of events and the thread that sends them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Event, Thread, current_thread
from time import monotonic

from beatline_client.batches import MAX_BATCH_BYTES, BatchSender, Verdict
from beatline_client.errors import BeatlineClientError, ClosedError, DeliveryError, QueueFullError

log = logging.getLogger("beatline_client")

MAX_QUEUE_BYTES = 64 * 2**20

Report = Callable[[BeatlineClientError, list[bytes]], None]


@dataclass(frozen=True)
class Limits:
    """flush_interval in seconds; flush_size and max_queue in events."""

    flush_interval: float
    flush_size: int
    max_queue: int


class BackgroundSender:
    """Takes events from any thread and sends them from its own, which starts with the first one.

    Events are settled in order: stored, or reported with the reason why not.
    """

    def __init__(self, batches: BatchSender, limits: Limits, report: Report) -> None:
        self._batches = batches
        self._limits = limits
        self._on_lost = report
        self._closed = False
        self.begin()

    def begin(self) -> None:
        """Start with nothing waiting and no thread: at first, and in a forked child, where locks and threads
        of the parent are of no use and what waits is the parent's to send."""
        self._changed = Condition()
        self._queue: deque[tuple[bytes, float]] = deque()  # event, when it was put
        self._in_flight: Sequence[bytes] = ()
        self._put = self._settled = self._lost = self._flush_to = 0  # counts of events
        self._bytes = 0
        self._stop = Event()
        self._thread: Thread | None = None

    def put(self, event: bytes) -> None:
        """Take an event; raises QueueFullError and ClosedError."""
        with self._changed:
            if self._closed:
                raise ClosedError("the client is closed")
            if self._put - self._settled >= self._limits.max_queue or self._bytes >= MAX_QUEUE_BYTES:
                raise QueueFullError(f"{self._put - self._settled} events wait already")
            self._start()
            self._queue.append((event, monotonic()))
            self._put += 1
            self._bytes += len(event)
            if len(self._queue) in (1, self._limits.flush_size):
                self._changed.notify_all()

    def lose(self, error: BeatlineClientError, events: Sequence[bytes]) -> None:
        """Report events that were not taken; the next flush says so too."""
        self._tell(error, list(events))
        self._settle((), lost=len(events))

    def flush(self, timeout: float | None) -> bool:
        """Send what waits now; True when all of it, and all since the last flush, was stored in time."""
        if current_thread() is self._thread:  # called by on_error: it would wait for itself
            return False
        with self._changed:
            target = self._flush_to = self._put
            self._changed.notify_all()
            settled = self._changed.wait_for(lambda: self._settled >= target, timeout)
            lost, self._lost = self._lost, 0
            return settled and not lost

    def close(self, timeout: float | None) -> bool:
        """Flush, and report what was not sent in time; nothing more is taken."""
        with self._changed:
            self._closed = True
        stored = self.flush(timeout)
        self._stop.set()
        with self._changed:
            late = [*self._in_flight, *(event for event, _ in self._queue)]
            self._in_flight = ()
            self._queue.clear()
            self._changed.notify_all()
        if late:
            self._tell(DeliveryError("closed before they were stored"), late)
        self._settle(late, lost=len(late))
        return stored

    def _start(self) -> None:
        if self._thread is None:
            thread = Thread(target=self._run, name="beatline-client", daemon=True)
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        while batch := self._take():
            verdicts = self._send(batch)
            with self._changed:
                if self._in_flight is not batch:  # close() has given up on it
                    return
                self._in_flight = ()
            self._report_lost(batch, verdicts)
            self._settle(batch, lost=sum(verdict is not None for verdict in verdicts))

    def _take(self) -> list[bytes]:
        """Wait for the next batch; empty when there will be none."""
        with self._changed:
            while (seconds := self._until_due()) is None or seconds > 0:
                if self._closed and not self._queue:
                    return []
                self._changed.wait(seconds)
            batch = self._cut()
            self._in_flight = batch
            return batch

    def _until_due(self) -> float | None:
        """Seconds until the next batch has to go; None while nothing waits."""
        if not self._queue:
            return None
        if self._closed or self._flush_to > self._settled or len(self._queue) >= self._limits.flush_size:
            return 0.0
        return self._queue[0][1] + self._limits.flush_interval - monotonic()

    def _cut(self) -> list[bytes]:
        """The oldest events that fit into one request."""
        batch: list[bytes] = []
        size = 0
        while self._queue and len(batch) < self._limits.flush_size:
            size += len(self._queue[0][0])
            if batch and size > MAX_BATCH_BYTES:
                break
            batch.append(self._queue.popleft()[0])
        return batch

    def _send(self, batch: list[bytes]) -> list[Verdict]:
        try:
            return self._batches.send(batch, wait=lambda seconds: not self._stop.wait(seconds), stamp=True)
        except Exception as error:
            log.exception("sending failed")
            return [DeliveryError(f"sending failed: {error}")] * len(batch)

    def _report_lost(self, batch: list[bytes], verdicts: list[Verdict]) -> None:
        """Report each rejected event by itself, and those with the same failure together."""
        grouped: dict[int, tuple[BeatlineClientError, list[bytes]]] = {}
        for event, verdict in zip(batch, verdicts, strict=True):
            if verdict is not None:
                grouped.setdefault(id(verdict), (verdict, []))[1].append(event)
        for verdict, events in grouped.values():
            self._tell(verdict, events)

    def _tell(self, error: BeatlineClientError, events: list[bytes]) -> None:
        try:
            self._on_lost(error, events)
        except Exception:
            log.exception("on_error failed")

    def _settle(self, events: Sequence[bytes], lost: int) -> None:
        with self._changed:
            self._settled += len(events)
            self._bytes -= sum(map(len, events))
            self._lost += lost
            self._changed.notify_all()
