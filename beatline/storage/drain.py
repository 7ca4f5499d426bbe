"""Draining the spill: batches that waited in Valkey go into the database, oldest first, each exactly once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid5

import msgspec
import structlog

from beatline.errors import StorageError
from beatline.events import Event, Reason, RejectedEvent
from beatline.storage.spill import Spill
from beatline.storage.store import Batch, Isolated, Store, write_isolating

log = structlog.get_logger()
ENTRIES_AT_ONCE = 10  # of up to flush_bytes each, held in memory


@dataclass(slots=True)
class Drained:
    """What one call drained."""

    batches: int = 0
    events: int = 0
    duplicates: int = 0
    refused: int = 0

    def add(self, result: Isolated) -> None:
        """Count one batch."""
        self.batches += 1
        self.events += result.events
        self.duplicates += result.duplicates
        self.refused += len(result.refused)


def drain(spill: Spill, store: Store, on_commit: Callable[[list[Event]], None] = lambda _: None) -> Drained:
    """Empty the spill into the database. Several at once do no harm. on_commit hears of each batch's events.

    An event that the database refuses for good is kept among the rejected events; an entry that is no
    batch is set aside. Raises StorageError or SpillError when either side goes away; what was drained by
    then stays drained.
    """
    total = Drained()
    while entries := spill.oldest(ENTRIES_AT_ONCE):
        for entry_id, batch in entries:
            if batch is None:
                log.error("spilled batch cannot be read; set aside", entry_id=entry_id.decode())
                spill.set_aside(entry_id)
                continue
            result = write_isolating(store, batch)
            if result.refused:
                rejected = [rejection(*refused) for refused in result.refused]
                store.write(Batch([], rejected, uuid5(batch.batch_id, "refused")))
            spill.remove(entry_id)
            on_commit(result.committed)
            total.add(result)
    return total


def rejection(event: Event, error: StorageError) -> RejectedEvent:
    """An event that storage refused for good, as a rejected event; it was acknowledged, so it is logged."""
    log.error("spilled event refused", event_id=str(event.event_id), error=str(error))
    return RejectedEvent(
        project_id=event.project_id,
        received_at=event.received_at,
        source="spill",
        reason=Reason.STORAGE,
        errors=msgspec.Raw(msgspec.json.encode({"event": [str(error)]})),
        raw=msgspec.json.encode(event).decode(),
    )
