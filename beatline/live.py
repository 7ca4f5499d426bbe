"""Live events: what was committed goes over Valkey to whoever watches (docs/live.md).

A live server (collector/live) subscribes to the channel of each project that it has readers for, and says
so on WATCH. Every process that commits events has a Publisher, which hears that, answers on the project's
channel and from then on publishes that project's events. While nobody watches, a commit costs one comparison.

It is a preview: what would slow the commits, or is more than RATE, is left out and counted.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from math import ceil
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
import redis
import structlog

from beatline.events import Event
from beatline.storage.store import unique_events

log = structlog.get_logger()

CHANNELS = "beatline:live:"  # and the project's id
WATCH = "beatline:live-watch"  # carries Watch messages, from live servers to publishers
PUBLISH_SECONDS = 0.1  # what is committed within this time is published together
REFRESH_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 2.0
RATE = 1 * 2**20  # bytes a second that one process publishes for long
BURST = 6 * 2**20  # bytes that one process publishes at once, and keeps until it does
EVENT_BYTES = 300  # of an event beside its properties


class LiveEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """An event as readers get it; field names are the columns of the events table."""

    project_id: int
    event_id: UUID
    ts: datetime
    received_at: datetime
    event_type: str
    user_id: str | None = None
    anonymous_id: str | None = None
    session_id: str | None = None
    device_id: str | None = None
    page_url: str | None = None
    app_version: str | None = None
    os_name: str | None = None
    os_version: str | None = None
    properties: msgspec.Raw = msgspec.Raw(b"{}")


class Published(msgspec.Struct, omit_defaults=True):
    """A message on a project's channel, in JSON.

    left_out: events that were committed and are not shown. watching: the token of a Watch, in answer to it.
    """

    events: list[msgspec.Raw] = []
    left_out: int = 0
    watching: str | None = None


class Watch(msgspec.Struct):
    """A live server's request to publish a project; it gets its token back from every publisher."""

    project_id: int
    token: str


encode = msgspec.json.Encoder().encode
decode_watch = msgspec.json.Decoder(Watch).decode
live_fields = attrgetter(*LiveEvent.__struct_fields__)


class Allowance:
    """A token bucket: rate a second, at most burst at once. Times are those of a monotonic clock."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self.left = burst
        self.at = 0.0

    def available(self, now: float) -> float:
        """What may be spent now."""
        self.left = min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now
        return self.left

    def spend(self, amount: float) -> None:
        """Use up some of it."""
        self.left -= amount


class Publisher:
    """Publishes the events of one process, from a thread of its own, until close().

    count hears of events by what became of them: published, left_out (more than the allowance) or failed
    (Valkey went away).
    """

    def __init__(self, redis_url: str, count: Callable[[str, int], None] = lambda *_: None) -> None:
        self.client = redis.Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=2, retry=None)
        self.count = count
        self.watched: frozenset[int] = frozenset()
        self.listening = threading.Event()
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.queue: list[Event] = []
        self.queued_bytes = 0
        self.left_out: Counter[int] = Counter()
        self.allowance = Allowance(RATE, BURST)
        self.thread = threading.Thread(target=self._run, name="live", daemon=True)
        self.thread.start()

    def offer(self, events: list[Event]) -> None:
        """Take committed events for publishing; never waits for Valkey, never raises."""
        watched = self.watched
        if not watched:
            return
        wanted = [event for event in unique_events(events) if event.project_id in watched]
        sizes = [len(bytes(event.properties)) + EVENT_BYTES for event in wanted]
        with self.lock:
            room = min(self.allowance.available(time.monotonic()), BURST - self.queued_bytes)
            kept, size = sample(wanted, sizes, room)
            self.allowance.spend(size)
            self.queue += kept
            self.queued_bytes += size
            if len(kept) < len(wanted):
                self.left_out.update(event.project_id for event in wanted)
                self.left_out.subtract(event.project_id for event in kept)

    def close(self) -> None:
        """Publish what was taken and stop."""
        self.closing.set()
        if self.watched:
            self.thread.join(3 * PUBLISH_SECONDS)

    def _run(self) -> None:
        failures = 0
        with closing(self.client):
            while not self.closing.is_set():
                try:
                    self._serve()
                except redis.RedisError as error:
                    log.warning("live events interrupted", error=str(error))
                except Exception:
                    log.exception("live events interrupted")
                failures = 1 if self.listening.is_set() else failures + 1
                self._forget()
                self.closing.wait(min(LONGEST_PAUSE_SECONDS, 0.05 * 2**failures))

    def _serve(self) -> None:
        """Publish what is watched, until close() or an error."""
        refresh_at = 0.0
        with self.client.pubsub(ignore_subscribe_messages=True) as requests:  # type: ignore[no-untyped-call]
            requests.subscribe(WATCH)
            while not self.closing.is_set():
                if time.monotonic() >= refresh_at:
                    self._refresh()
                    refresh_at = time.monotonic() + REFRESH_SECONDS
                message = requests.get_message(timeout=PUBLISH_SECONDS if self.watched else REFRESH_SECONDS)
                if message:
                    self._watch(message["data"])
                self._publish()
            self._publish()

    def _refresh(self) -> None:
        """Learn which projects are watched: those whose channel has subscribers."""
        channels: Any = self.client.pubsub_channels(f"{CHANNELS}*")
        numbers = (channel.decode().removeprefix(CHANNELS) for channel in channels)
        self.watched = frozenset(int(number) for number in numbers if number.isdecimal())
        self.listening.set()

    def _watch(self, data: bytes) -> None:
        """Begin to publish a project, and say so."""
        request = decode_watch(data)
        self.watched |= {request.project_id}
        self._send(request.project_id, encode(Published(watching=request.token)))

    def _publish(self) -> None:
        """Publish what was taken since the last time, one message a project."""
        with self.lock:
            events, self.queue, self.queued_bytes = self.queue, [], 0
            left_out, self.left_out = self.left_out, Counter()
        by_project: dict[int, list[Event]] = {project_id: [] for project_id in left_out}
        for event in events:
            by_project.setdefault(event.project_id, []).append(event)
        published = 0
        try:
            for project_id, some in by_project.items():
                self._send(project_id, encode_events(some, left_out[project_id]))
                published += len(some)
        finally:
            self._count(published=published, failed=len(events) - published, left_out=left_out.total())

    def _send(self, project_id: int, message: bytes) -> None:
        """Publish a message; nobody to receive it means that nobody watches any more."""
        if not self.client.publish(f"{CHANNELS}{project_id}", message):
            self.watched -= {project_id}

    def _forget(self) -> None:
        """Take nothing more: who watches is unknown."""
        self.listening.clear()
        self.watched = frozenset()
        with self.lock:
            self._count(failed=len(self.queue), left_out=self.left_out.total())
            self.queue, self.queued_bytes = [], 0
            self.left_out.clear()

    def _count(self, **outcomes: int) -> None:
        for outcome, events in outcomes.items():
            if events:
                self.count(outcome, events)


def encode_events(events: Sequence[Event], left_out: int = 0) -> bytes:
    """A Published message. It holds no line breaks: in JSON they can only be space between tokens."""
    message = {"events": [LiveEvent(*live_fields(event)) for event in events], "left_out": left_out}
    encoded = encode(message)
    if b"\n" in encoded or b"\r" in encoded:
        encoded = encoded.replace(b"\n", b" ").replace(b"\r", b" ")
    return encoded


def sample(events: Sequence[Event], sizes: Sequence[int], room: float) -> tuple[Sequence[Event], int]:
    """The events that fit, evenly chosen when not all do, and their size together."""
    total = sum(sizes)
    if total <= room:
        return events, total
    step = ceil(total / room) if room > 0 else len(events) + 1
    kept, size = [], 0
    for event, bytes_of_it in zip(events[step - 1 :: step], sizes[step - 1 :: step], strict=True):
        if size + bytes_of_it <= room:
            kept.append(event)
            size += bytes_of_it
    return kept, size
