"""The writer: group commit. Requests of one process share a transaction and wait for its commit.

While one transaction runs, what arrives queues up and goes into the next one; an idle writer flushes at
once. When the database is away, batches go to the spill, and wait a moment to become larger; when that is
away too, nothing is acknowledged.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import structlog

from beatline.errors import Overloaded, SpillError, StorageError
from beatline.events import Event, RejectedEvent
from beatline.storage.spill import Spill
from beatline.storage.store import Batch, Store, write_isolating

log = structlog.get_logger()

T = TypeVar("T")

TOO_MANY = "too many events are waiting to be stored"

RECONNECT_SECONDS = 1.0  # how long batches go straight to the spill after a failed attempt
SPILL_SECONDS = 0.05  # how long a batch for the spill waits for company: few large ones drain far faster


class Outcome(StrEnum):
    """What became of a submission. All but unavailable and refused are acknowledged."""

    COMMITTED = "committed"
    SPILLED = "spilled"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"


class Submission:
    """The events of one request, waiting for their commit.

    size is in bytes, as the queue's bound counts them; queued_at is of time.perf_counter(). outcome is set
    before wait() returns true; refused holds the events that the database refused for good.
    """

    __slots__ = ("_pending", "events", "outcome", "queued_at", "refused", "rejected", "size")

    def __init__(self, events: list[Event], rejected: list[RejectedEvent], size: int) -> None:
        self.events = events
        self.rejected = rejected
        self.size = size
        self.queued_at = 0.0
        self.outcome: Outcome | None = None
        self.refused: list[tuple[Event, StorageError]] = []
        self._pending = threading.Lock()
        self._pending.acquire()

    def finish(self, outcome: Outcome) -> None:
        """Set the outcome and release the waiting request."""
        self.outcome = outcome
        self._pending.release()

    def wait(self, seconds: float) -> bool:
        """Wait for the outcome; false when there is none after so many seconds."""
        return self._pending.acquire(timeout=seconds)


@dataclass(slots=True)
class Flush:
    """What one flush did, and what waits after it, for the metrics. waits: seconds of each submission, from
    queueing until its outcome was known."""

    outcome: Outcome
    events: int
    duplicates: int
    submissions: int
    waits: list[float]
    seconds: float = 0.0
    still_queued: int = 0
    still_queued_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the queue and of one transaction."""

    flush_events: int = 2_000
    queue_events: int = 50_000
    queue_bytes: int = 128 * 2**20
    flush_bytes: int = 16 * 2**20


@dataclass
class Writer:
    """The one writer of a process: a bounded queue and a thread that flushes it.

    connect opens the store (StorageError when it cannot); spill may be None. on_flush hears of every flush,
    on_commit of the events of each commit (see Isolated.committed). overloaded: from a submission that found
    the queue full until a quarter of it is free; who looks at it need not read what would be refused.
    """

    connect: Callable[[], Store]
    spill: Spill | None
    limits: Limits = field(default_factory=Limits)
    on_flush: Callable[[Flush], None] = lambda _: None
    on_commit: Callable[[list[Event]], None] = lambda _: None

    def __post_init__(self) -> None:
        self.queue: deque[Submission] = deque()
        self.queued_events = 0
        self.queued_bytes = 0
        self.changed = threading.Condition()
        self.closing = False
        self.overloaded = False
        self.store: Store | None = None
        self.retry_at = 0.0
        self.thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.thread.start()

    def submit(self, submission: Submission) -> None:
        """Queue a submission. Raises Overloaded at once when the queue is full or the writer is closing."""
        with self.changed:
            if self.closing:
                raise Overloaded("the collector is stopping")
            if (
                self.queued_events + len(submission.events) > self.limits.queue_events
                or self.queued_bytes + submission.size > self.limits.queue_bytes
            ):
                self.overloaded = bool(self.queue)  # so that taking from it ends this
                raise Overloaded(TOO_MANY)
            submission.queued_at = time.perf_counter()
            self.queue.append(submission)
            self.queued_events += len(submission.events)
            self.queued_bytes += submission.size
            self.changed.notify()

    def close(self, seconds: float = 10.0) -> None:
        """Take nothing more, flush what is queued, stop. Waits at most so many seconds."""
        with self.changed:
            self.closing = True
            self.changed.notify()
        self.thread.join(seconds)

    def _run(self) -> None:
        while submissions := self._take():
            started = time.perf_counter()
            try:
                flush = self._flush(submissions)
            except Exception:  # a fault of ours must not end the thread that everybody waits for
                log.exception("flush failed")
                flush = self._finish(submissions, Outcome.UNAVAILABLE)
            flush.seconds = time.perf_counter() - started
            flush.still_queued, flush.still_queued_bytes = self.queued_events, self.queued_bytes
            self._tell(self.on_flush, flush)
        if self.store:
            self.store.close()

    @staticmethod
    def _tell(listener: Callable[[T], None], news: T) -> None:
        """Call a listener; a fault of its must not end the thread."""
        try:
            listener(news)
        except Exception:
            log.exception("listener of the writer failed")

    def _take(self) -> list[Submission]:
        """The next submissions, as many as one transaction takes but at least one; waits for some; empty
        when closing and done."""
        with self.changed:
            self.changed.wait_for(lambda: self.queue or self.closing)
            if time.monotonic() < self.retry_at:
                self.changed.wait_for(self._enough, SPILL_SECONDS)
            taken: list[Submission] = []
            events = size = 0
            while self.queue:
                events += len(self.queue[0].events)
                size += self.queue[0].size
                if taken and (events > self.limits.flush_events or size > self.limits.flush_bytes):
                    break
                taken.append(self.queue.popleft())
            self.queued_events -= sum(len(submission.events) for submission in taken)
            self.queued_bytes -= sum(submission.size for submission in taken)
            self.overloaded = self.overloaded and not self._has_room()
            return taken

    def _has_room(self) -> bool:
        """Whether a quarter of the queue is free."""
        share = max(
            self.queued_events / self.limits.queue_events, self.queued_bytes / self.limits.queue_bytes
        )
        return share <= 0.75

    def _enough(self) -> bool:
        """Whether waiting for more would not make the next transaction larger."""
        return self.closing or self.queued_events >= self.limits.flush_events

    def _flush(self, submissions: list[Submission]) -> Flush:
        batch = Batch(
            [event for submission in submissions for event in submission.events],
            [rejected for submission in submissions for rejected in submission.rejected],
        )
        try:
            result = write_isolating(self._connected(), batch)
        except StorageError as error:
            self._disconnect(error)
            return self._finish(submissions, self._spilled(batch))
        mark_refused(submissions, result.refused)
        flush = self._finish(submissions, Outcome.COMMITTED)
        flush.events, flush.duplicates = result.events, result.duplicates
        self._tell(self.on_commit, result.committed)
        return flush

    def _connected(self) -> Store:
        """The store, connected again when it is time to try; StorageError while it is away."""
        if self.store is None:
            if time.monotonic() < self.retry_at:
                raise StorageError("the database is away", permanent=False)
            self.store = self.connect()
            log.info("database connected")
        return self.store

    def _disconnect(self, error: StorageError) -> None:
        if time.monotonic() < self.retry_at:
            return
        log.warning("database away", error=str(error).strip())
        self.retry_at = time.monotonic() + RECONNECT_SECONDS
        if self.store:
            self.store.close()
            self.store = None

    def _spilled(self, batch: Batch) -> Outcome:
        if self.spill is None:
            return Outcome.UNAVAILABLE
        try:
            self.spill.append(batch)
        except SpillError as error:
            log.warning("spill away", error=str(error))
            return Outcome.UNAVAILABLE
        return Outcome.SPILLED

    @staticmethod
    def _finish(submissions: list[Submission], outcome: Outcome) -> Flush:
        now = time.perf_counter()
        for submission in submissions:
            submission.finish(Outcome.REFUSED if submission.refused else outcome)
        events = sum(len(submission.events) for submission in submissions)
        waits = [now - submission.queued_at for submission in submissions]
        return Flush(outcome, events, 0, len(submissions), waits)


def mark_refused(submissions: list[Submission], refused: list[tuple[Event, StorageError]]) -> None:
    """Note with each submission which of its events the database refused."""
    if not refused:
        return
    by_identity = {id(event): (event, error) for event, error in refused}
    for submission in submissions:
        submission.refused = [
            by_identity[id(event)] for event in submission.events if id(event) in by_identity
        ]
