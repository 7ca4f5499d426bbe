"""From Valkey to those who are signed in: their notifications, as the workers publish them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from uuid import UUID

import msgspec
import redis.asyncio

from beatline.notifications.inbox import STREAMS
from collector.live.reader import Message, Reader
from collector.live.subscription import keep_receiving, messages

READY_SECONDS = 2.0  # longest wait of a new reader for the subscription
MOST_WAITING = 1_000  # notifications of a reader that does not read; then it is disconnected
READY = Message.of("ready")
AWAY = Message.of("away", message="Notifications are interrupted; they go on by themselves.")


class Identified(msgspec.Struct):
    """The id of a notification."""

    notification_id: int


decode_id = msgspec.json.Decoder(Identified).decode


class Notices:
    """The readers by account, and one subscription for all of them while there are any."""

    def __init__(self, redis_url: str) -> None:
        self.client = redis.asyncio.Redis.from_url(redis_url, socket_connect_timeout=2, retry=None)
        self.by_account: dict[UUID, set[Reader]] = {}
        self.subscribed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def join(self, account_id: UUID, reader: Reader) -> None:
        """Add a reader. On return it gets what is published from now on, unless Valkey is away; its first
        message says which."""
        if self.task is None:
            self.task = asyncio.create_task(
                keep_receiving(
                    self._receive, self.subscribed, partial(self._tell, AWAY), what="notifications"
                )
            )
        was_subscribed = self.subscribed.is_set()
        self.by_account.setdefault(account_id, set()).add(reader)
        if was_subscribed:
            reader.notify(READY)
            return
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self.subscribed.wait()
        except TimeoutError:
            reader.notify(AWAY)

    def leave(self, account_id: UUID, reader: Reader) -> None:
        """Remove a reader; the last one ends the subscription."""
        readers = self.by_account.get(account_id, set())
        readers.discard(reader)
        if not readers:
            self.by_account.pop(account_id, None)
        if not self.by_account and self.task:
            self.task.cancel()
            self.task = None
            self.subscribed.clear()

    def readers(self) -> Iterator[Reader]:
        """Every reader."""
        return (reader for readers in self.by_account.values() for reader in readers)

    async def close(self) -> None:
        """Let go of Valkey."""
        if self.task:
            self.task.cancel()
        await self.client.aclose()

    async def _receive(self) -> None:
        """Take what is published; returns only by an error."""
        async with self.client.pubsub() as subscription:
            await subscription.psubscribe(f"{STREAMS}*")
            async for message in messages(subscription):
                if message["type"] == "psubscribe":
                    self.subscribed.set()
                    self._tell(READY)
                elif message["type"] == "pmessage":
                    self._take(message["channel"], message["data"])

    def _take(self, channel: bytes, data: bytes) -> None:
        """Give a notification to the readers of its account."""
        account_id = UUID(channel.decode().removeprefix(STREAMS))
        readers = self.by_account.get(account_id)
        if not readers:
            return
        json = b'{"type":"notification","notification":%b}' % data
        message = Message("notification", json, last_id=str(decode_id(data).notification_id))
        for reader in readers:
            if len(reader.notices) >= MOST_WAITING:
                reader.end()
            else:
                reader.notify(message)

    def _tell(self, notice: Message) -> None:
        for reader in self.readers():
            reader.notify(notice)
