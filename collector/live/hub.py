"""From Valkey to the readers: one subscription a project that has readers, one encoding for all readers with
equal filters."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec
import redis.asyncio

from beatline.live import CHANNELS, WATCH, Allowance, Published, Watch
from collector.live.filters import Filter, Matched
from collector.live.reader import Message, Reader, events_message
from collector.live.subscription import keep_receiving, messages

GATHER_SECONDS = 0.1  # what comes within this time goes out together
READY_SECONDS = 1.0  # longest wait for every publisher to say that it publishes
MESSAGE_EVENTS = 500
MESSAGE_BYTES = 256 * 2**10
RATE = 4 * 2**20  # bytes a second of one project that are shown for long
BURST = 16 * 2**20
AWAY = Message.of("away", message="Live events are interrupted; they go on by themselves.")

decode_published = msgspec.json.Decoder(Published).decode
decode_matched = msgspec.json.Decoder(Matched).decode


class Feed:
    """One project's events, from Valkey to its readers. ready: every publisher publishes them."""

    def __init__(self, client: redis.asyncio.Redis, project_id: int) -> None:
        self.client = client
        self.project_id = project_id
        self.readers: set[Reader] = set()
        self.ready = asyncio.Event()
        self.gathered: list[msgspec.Raw] = []
        self.left_out = 0
        self.allowance = Allowance(RATE, BURST)
        self.loop = asyncio.get_running_loop()
        self.token = ""
        self.unanswered = 0
        self.task = self.loop.create_task(
            keep_receiving(
                self._receive, self.ready, partial(self._notify, AWAY), what="events", project_id=project_id
            )
        )

    async def _receive(self) -> None:
        """Take what is published; returns only by an error."""
        async with self.client.pubsub() as subscription:
            await subscription.subscribe(f"{CHANNELS}{self.project_id}")
            async for message in messages(subscription):
                if message["type"] == "subscribe":
                    await self._ask()
                elif message["type"] == "message":
                    self._take(message["data"])

    async def _ask(self) -> None:
        """Ask every publisher for the project's events."""
        self.token = secrets.token_hex(8)
        request = msgspec.json.encode(Watch(self.project_id, self.token))
        self.unanswered = await self.client.publish(WATCH, request)
        if self.unanswered:
            self.loop.call_later(READY_SECONDS, self._settle, self.token)
        else:
            self._settle(self.token)

    def _settle(self, token: str) -> None:
        """All publishers have answered, or had their time to."""
        if token == self.token and not self.ready.is_set():
            self.ready.set()
            for reader in self.readers:
                reader.notify(ready(reader))

    def _take(self, data: bytes) -> None:
        published = decode_published(data)
        if published.watching and published.watching == self.token:
            self.unanswered -= 1
            if self.unanswered == 0:
                self._settle(self.token)
        if not (published.events or published.left_out):
            return
        if not (self.gathered or self.left_out):
            self.loop.call_later(GATHER_SECONDS, self._give_out)
        self.left_out += published.left_out
        if self.allowance.available(time.monotonic()) < len(data):
            self.left_out += len(published.events)
        else:
            self.allowance.spend(len(data))
            self.gathered += published.events

    def _give_out(self) -> None:
        """Offer what was gathered to the readers."""
        events, self.gathered = self.gathered, []
        left_out, self.left_out = self.left_out, 0
        groups: dict[Filter, list[Reader]] = {}
        for reader in self.readers:
            groups.setdefault(reader.filter, []).append(reader)
            reader.leave_out(left_out)
        for chosen, readers in zip(choose(events, list(groups)), groups.values(), strict=True):
            for part in parts(chosen):
                message = events_message(part)
                for reader in readers:
                    reader.offer(message)

    def _notify(self, notice: Message) -> None:
        for reader in self.readers:
            reader.notify(notice)


class Hub:
    """The feeds of all projects that have readers."""

    def __init__(self, redis_url: str) -> None:
        self.client = redis.asyncio.Redis.from_url(redis_url, socket_connect_timeout=2, retry=None)
        self.feeds: dict[int, Feed] = {}

    async def join(self, reader: Reader) -> None:
        """Add a reader to its project. On return it gets every event that is committed from now on, unless
        Valkey is away; its first message says which."""
        project_id = reader.filter.project_id
        feed = self.feeds.get(project_id)
        if feed is None:
            feed = self.feeds[project_id] = Feed(self.client, project_id)
        feed.readers.add(reader)
        if feed.ready.is_set():
            reader.notify(ready(reader))
            return
        try:
            async with asyncio.timeout(2 * READY_SECONDS):
                await feed.ready.wait()
        except TimeoutError:
            reader.notify(AWAY)

    async def change(self, reader: Reader, new: Filter) -> None:
        """Give a reader another filter, perhaps of another project."""
        if new.project_id == reader.filter.project_id:
            reader.change(new)
            return
        self.leave(reader)
        reader.change(new)
        await self.join(reader)

    def leave(self, reader: Reader) -> None:
        """Remove a reader; a project without readers is not published any more."""
        feed = self.feeds[reader.filter.project_id]
        feed.readers.discard(reader)
        if not feed.readers:
            feed.task.cancel()
            del self.feeds[feed.project_id]

    def readers(self) -> Iterator[Reader]:
        """Every reader."""
        return (reader for feed in self.feeds.values() for reader in feed.readers)

    async def is_connected(self) -> bool:
        """Whether Valkey answers."""
        try:
            async with asyncio.timeout(2):
                return bool(await self.client.ping())
        except (redis.RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        """Let go of Valkey."""
        for feed in self.feeds.values():
            feed.task.cancel()
        await self.client.aclose()


def ready(reader: Reader) -> Message:
    """The notice that every event that passes the reader's filter is shown from now on."""
    return Message.of("ready", filter=reader.filter.told())


def choose(events: Sequence[msgspec.Raw], filters: Sequence[Filter]) -> Iterator[Sequence[msgspec.Raw]]:
    """For each filter the events that pass it."""
    if all(chosen.passes_all for chosen in filters):
        return (events for _ in filters)
    matched = [(raw, decode_matched(raw)) for raw in events]
    return (
        events if chosen.passes_all else [raw for raw, event in matched if chosen.passes(event)]
        for chosen in filters
    )


def parts(events: Sequence[msgspec.Raw]) -> Iterator[Sequence[msgspec.Raw]]:
    """The events in messages that are neither too many nor too large, unless a single event is."""
    part: list[msgspec.Raw] = []
    size = 0
    for event in events:
        event_size = memoryview(event).nbytes
        if part and (len(part) == MESSAGE_EVENTS or size + event_size > MESSAGE_BYTES):
            yield part
            part, size = [], 0
        part.append(event)
        size += event_size
    if part:
        yield part
