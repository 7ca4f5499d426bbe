"""One reader's queue. Who reads too slowly is shown a sample, is told so, and sees all again when it has
caught up."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

from collector.live.filters import Filter

QUEUE_BYTES = 8 * 2**20  # more than one publisher's burst; readers with equal filters share the bytes
SAMPLE_EVENTS = 10
SLOW, RATE = "slow", "rate"  # why events were left out: the reader's own pace, or more than a preview shows


class Identified(msgspec.Struct):
    """The id of an event."""

    event_id: str


decode_id = msgspec.json.Decoder(Identified).decode


@dataclass(slots=True, eq=False)
class Message:
    """A message to readers: its type, its JSON, how many events are in it and the last one's id.

    sample is the message for those who read too slowly. It is encoded once for all who get it.
    """

    type: str
    json: bytes
    events: int = 0
    last_id: str = ""
    sample: Message | None = None
    _sse: bytes = b""

    @classmethod
    def of(cls, type_: str, **content: Any) -> Self:
        """A message without events."""
        return cls(type_, msgspec.json.encode({"type": type_, **content}))

    @property
    def sse(self) -> bytes:
        """The message as an SSE event."""
        if not self._sse:
            identity = b"id: %b\n" % self.last_id.encode() if self.last_id else b""
            self._sse = b"%bevent: %b\ndata: %b\n\n" % (identity, self.type.encode(), self.json)
        return self._sse


HEARTBEAT = Message("heartbeat", b"")
FULL = Message.of("full")


def events_message(events: Sequence[msgspec.Raw]) -> Message:
    """The message that shows these events, with its sample."""
    json = b'{"type":"events","events":[%b]}' % b",".join(events)
    message = Message("events", json, len(events), decode_id(events[-1]).event_id)
    message.sample = message
    if len(events) > SAMPLE_EVENTS:
        chosen = [events[number * len(events) // SAMPLE_EVENTS] for number in range(SAMPLE_EVENTS)]
        message.sample = events_message(chosen)
    return message


@dataclass(eq=False)
class Reader:
    """What waits for one reader: notices first, then events. on_left_out hears of events that it is not shown
    (reason, how many)."""

    filter: Filter
    on_left_out: Callable[[str, int], None] = lambda *_: None
    notices: deque[Message] = field(default_factory=deque)
    queue: deque[Message] = field(default_factory=deque)
    queued_bytes: int = 0
    sampling: bool = False
    left_out: Counter[str] = field(default_factory=Counter)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False
    last_words: Message | None = None

    def offer(self, message: Message) -> None:
        """Queue events; only a sample of them when the reader is too slow."""
        if self.sampling and message.sample is not None:
            self._leave_out(SLOW, message.events - message.sample.events)
            message = message.sample
        self.queue.append(message)
        self.queued_bytes += len(message.json)
        while self.queued_bytes > QUEUE_BYTES and len(self.queue) > 1:
            self.sampling = True
            self._leave_out(SLOW, self._pop().events)
        self.waiting.set()

    def leave_out(self, events: int) -> None:
        """Note events of the project that nobody is shown."""
        self._leave_out(RATE, events)
        self.waiting.set()

    def notify(self, notice: Message) -> None:
        """Queue a message that goes before events."""
        self.notices.append(notice)
        self.waiting.set()

    def change(self, new: Filter) -> None:
        """Take another filter; what waits was chosen by the old one."""
        self.filter = new
        self.queue.clear()
        self.queued_bytes = 0
        self.notify(Message.of("filter", filter=new.told()))

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return not (self.notices or self.queue)

    def next(self) -> Message | None:
        """The next message to send; asking for it says that the one before was taken."""
        if self.notices:
            return self.notices.popleft()
        if self.left_out:
            reason, events = self.left_out.popitem()
            return Message.of("sampling", reason=reason, left_out=events)
        if self.queue:
            return self._pop()
        if self.sampling:
            self.sampling = False
            return FULL
        return None

    async def get(self) -> Message | None:
        """The next message, once there is one; None when no more come."""
        while not self.ended:
            if message := self.next():
                return message
            self.waiting.clear()
            await self.waiting.wait()
        words, self.last_words = self.last_words, None
        return words

    def end(self, last_words: Message | None = None) -> None:
        """Give out nothing more; last_words say why, unless the server stops."""
        self.ended = True
        self.last_words = last_words
        self.waiting.set()

    def _leave_out(self, reason: str, events: int) -> None:
        if events:
            self.left_out[reason] += events
            self.on_left_out(reason, events)

    def _pop(self) -> Message:
        message = self.queue.popleft()
        self.queued_bytes -= len(message.json)
        return message
