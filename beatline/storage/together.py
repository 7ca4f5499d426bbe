"""A batch and a caller's own statement in one transaction: both are committed, or neither is."""

from __future__ import annotations

from collections.abc import Callable

from psycopg import Connection, errors

from beatline.errors import StorageError
from beatline.storage.store import PERMANENT, Batch, Isolated, Store, Stored, isolate, translated_errors

Also = Callable[[Connection, Isolated], None]


def write_together(store: Store, batch: Batch, also: Also) -> Isolated:
    """Write a batch as write_isolating does, and then what `also` writes, given what came of the batch.

    For TimescaleDB the batch is not split by lateness, so this is for imports, which are late throughout.
    Raises StorageError (temporary); then nothing was written, or everything when the connection broke.
    """
    with translated_errors():
        store.make_partitions(batch.events)
        try:
            return in_one_transaction(store, batch, also)
        except errors.CheckViolation:  # no partition: retention dropped it meanwhile
            store.days.clear()
            store.make_partitions(batch.events)
            return in_one_transaction(store, batch, also)


def in_one_transaction(store: Store, batch: Batch, also: Also) -> Isolated:
    """Write the batch, its refused parts undone by savepoints, and the rest."""

    def write(part: Batch) -> Stored:
        try:
            with store.connection.transaction():
                return store.store_batch(part)
        except errors.CheckViolation:
            raise
        except PERMANENT as error:
            raise StorageError(str(error), permanent=True) from error

    with store.connection.transaction():
        result = isolate(write, [batch])
        also(store.connection, result)
    return result
