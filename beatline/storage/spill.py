"""The spill: where batches wait in Valkey while the database is away.

One stream entry is one batch of the writer, with its id and its events. An entry leaves the stream after its
batch was committed; draining it twice is harmless, since the batch's id is in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

import msgspec
import redis

from beatline.errors import SpillError
from beatline.events import Event, RejectedEvent
from beatline.storage.store import Batch

STREAM = "beatline:spill"
UNREADABLE = "beatline:spill:unreadable"
FIELD = b"batch"
Entries = list[tuple[bytes, dict[bytes, bytes]]]


class SpilledBatch(msgspec.Struct):
    """A batch as it lies in the stream, in JSON."""

    batch_id: UUID
    events: list[Event]
    rejected: list[RejectedEvent]


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(SpilledBatch).decode


class Spill:
    """The spill stream of one Valkey server, holding at most max_entries batches."""

    def __init__(self, redis_url: str, max_entries: int) -> None:
        self.max_entries = max_entries
        self.client = redis.Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5, retry=None)

    def append(self, batch: Batch) -> None:
        """Put a batch at the end. When it returns, the batch is on disk as Valkey is set up to write it.

        Raises SpillError when Valkey is away or full, or the spill holds max_entries already.
        """
        spilled = SpilledBatch(batch.batch_id, batch.events, batch.rejected)
        with translated_errors():
            if self.backlog() >= self.max_entries:
                raise SpillError(f"the spill is full: {self.max_entries} batches")
            self.client.xadd(STREAM, {FIELD: encode(spilled)})

    def oldest(self, count: int) -> list[tuple[bytes, Batch | None]]:
        """Up to count entries from the start of the stream: (entry id, batch), no batch where it cannot be
        read."""
        with translated_errors():
            entries = cast(Entries, self.client.xrange(STREAM, count=count))
        return [(entry_id, read_batch(fields)) for entry_id, fields in entries]

    def set_aside(self, entry_id: bytes) -> None:
        """Move an entry that cannot be read to the stream UNREADABLE, for somebody to look at."""
        with translated_errors():
            for _, fields in cast(Entries, self.client.xrange(STREAM, entry_id, entry_id)):
                self.client.xadd(UNREADABLE, cast(Any, fields))
        self.remove(entry_id)

    def remove(self, entry_id: bytes) -> None:
        """Take an entry out; its batch is committed."""
        with translated_errors():
            self.client.xdel(STREAM, entry_id)

    def backlog(self) -> int:
        """How many batches wait."""
        with translated_errors():
            return int(self.client.xlen(STREAM))

    def close(self) -> None:
        """Close the connections to Valkey."""
        self.client.close()


def read_batch(fields: dict[bytes, bytes]) -> Batch | None:
    """The batch of a stream entry; None when it is none."""
    try:
        spilled = decode(fields[FIELD])
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return Batch(spilled.events, spilled.rejected, spilled.batch_id)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the client's errors into SpillError."""
    try:
        yield
    except redis.RedisError as error:
        raise SpillError(str(error)) from error
