"""Writing a batch into the database: one transaction, one statement, exactly once.

The statement is sql/migrations/0001_events/50_store_batch.sql. Every batch has an id of its own that the
ledger remembers in the same transaction. Whatever happened to an earlier attempt, repeating the batch is
safe: it waits for an attempt that is still in flight, and does nothing when one was committed. (Asking
pg_xact_status() about the earlier attempt is not safe: after a crash PostgreSQL may give its transaction id
to another transaction, docs/decisions.md.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid5

import msgspec
import psycopg
import structlog
from psycopg import Connection, errors
from psycopg.pq import ConnStatus, ExecStatus

from beatline.errors import StorageError
from beatline.events import Event, RejectedEvent, uuid7
from beatline.storage.engine import POSTGRES, TIMESCALEDB, read_engine
from beatline.storage.queries import query

log = structlog.get_logger()

PERMANENT = (
    errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded, errors.StatementTooComplex
)  # fmt: skip
CONNECT_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms; keepalives do not look after what was sent and never received
    "options": "-c statement_timeout=30s -c timezone=UTC",
}
STORE_BATCH = b"store_batch"
LATE = timedelta(hours=1)
MOST_PARTS = 50


@dataclass(slots=True)
class Batch:
    """What one transaction stores. Fixed once made: a repeated attempt carries the same events and id."""

    events: list[Event]
    rejected: list[RejectedEvent] = field(default_factory=list)
    batch_id: UUID = field(default_factory=uuid7)


@dataclass(slots=True, frozen=True)
class Stored:
    """What a batch brought: events stored now, and events that had been stored before."""

    events: int
    duplicates: int


class Store:
    """One connection that writes batches. Not for use by two threads at once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.engine = read_engine(connection)
        self.days: set[date] = set()  # of which the partition is known to exist

    @classmethod
    def connect(cls, database_url: str) -> Self:
        """Connect and prepare; StorageError (temporary) when the database is away or not migrated."""
        with translated_errors():
            connection = psycopg.connect(database_url, **CONNECT_OPTIONS)
            try:
                store = cls(connection)
                if store.engine is None:
                    raise StorageError("not migrated: run `beatline migrate`", permanent=False)
                store.prepare()
            except BaseException:
                connection.close()
                raise
        return store

    def prepare(self) -> None:
        """Prepare the one statement that the hot path runs."""
        statement = query("store_batch").encode()
        raise_for(self.connection, self.connection.pgconn.prepare(STORE_BATCH, statement))

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        self.connection.close()

    def write(self, batch: Batch) -> Stored:
        """Store a batch.

        Raises StorageError: permanent when the data itself is refused, else temporary. When the connection
        broke it is open whether the batch was committed; repeating the same batch tells.
        """
        with translated_errors():
            self.make_partitions(batch.events)
            try:
                return self.store_batch(batch)
            except errors.CheckViolation:  # no partition: retention dropped it meanwhile
                self.days.clear()
                self.make_partitions(batch.events)
                return self.store_batch(batch)

    def make_partitions(self, events: list[Event]) -> None:
        """Make the partitions that the events need, outside of the batch's transaction."""
        if self.engine != POSTGRES:
            return
        for day in {event.ts.astimezone(UTC).date() for event in events} - self.days:
            at = datetime(day.year, day.month, day.day, tzinfo=UTC)
            self.connection.execute(query("make_event_partition"), {"ts": at})
            self.days.add(day)

    def store_batch(self, batch: Batch) -> Stored:
        """Run the prepared statement through libpq's blocking call: it gives up the interpreter's lock once
        a flush and not at every wait, which is worth much throughput (docs/decisions.md)."""
        events = unique_events(batch.events)
        rejected = msgspec.json.encode(batch.rejected)
        parameters = [str(batch.batch_id).encode(), msgspec.json.encode(events), rejected]
        result = self.connection.pgconn.exec_prepared(STORE_BATCH, parameters)
        raise_for(self.connection, result)
        stored = int(result.get_value(0, 0) or 0)
        return Stored(events=stored, duplicates=len(batch.events) - stored)


@contextmanager
def connected(database_url: str | None) -> Iterator[Connection]:
    """A connection of its own, closed at the end; the driver's errors come out as StorageError."""
    with translated_errors(), psycopg.connect(str(database_url), **CONNECT_OPTIONS) as connection:
        yield connection


def unique_events(events: list[Event]) -> list[Event]:
    """The events without those that repeat the client's id of an earlier one."""
    if not any(event.client_id for event in events):
        return events
    seen: set[tuple[int, UUID]] = set()
    unique = []
    for event in events:
        key = (event.project_id, event.event_id)
        if not event.client_id or key not in seen:
            seen.add(key)
            unique.append(event)
    return unique


def raise_for(connection: Connection, result: Any) -> None:
    """Raise psycopg's error for a failed libpq result."""
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return
    if connection.pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError(connection.pgconn.get_error_message())
    raise errors.error_from_result(result)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the driver's errors into StorageError, saying whether they are permanent."""
    try:
        yield
    except errors.CheckViolation as error:  # still no partition: retention drops them as we make them
        raise StorageError(str(error), permanent=False) from error
    except PERMANENT as error:
        raise StorageError(str(error), permanent=True) from error
    except psycopg.Error as error:
        raise StorageError(str(error), permanent=False) from error


@dataclass(slots=True)
class Isolated:
    """What came of a batch with refused data in it: what was stored, and the refused events with why.

    committed: the events of all parts that brought something new. How many of a part had been stored before
    is known, which ones is not.
    """

    events: int = 0
    duplicates: int = 0
    committed: list[Event] = field(default_factory=list)
    refused: list[tuple[Event, StorageError]] = field(default_factory=list)


def write_isolating(store: Store, batch: Batch) -> Isolated:
    """Write a batch; when its data is refused for good, write its halves, so that one bad event costs
    nobody else. Raises StorageError only when it is temporary."""
    return isolate(store.write, split_by_lateness(batch) if store.engine == TIMESCALEDB else [batch])


def isolate(write: Callable[[Batch], Stored], pending: list[Batch]) -> Isolated:
    """Write batches, and the halves of those that are refused for good. Raises StorageError (temporary)."""
    result = Isolated()
    while pending:
        part = pending.pop()
        try:
            stored = write(part)
        except StorageError as error:
            if not error.permanent:
                raise
            pending.extend(halves(part, error, result))
        else:
            result.events += stored.events
            result.duplicates += stored.duplicates
            if stored.events:
                result.committed += part.events
    return result


def split_by_lateness(batch: Batch) -> list[Batch]:
    """The batch in parts: the fresh events, and the late ones by the hour they happened in.

    TimescaleDB notes one range of time a transaction, from the oldest to the newest row, and refreshes the
    aggregates over all of it: one event of last month beside one of now would cost a month's refresh. A batch
    of many hours is an import, whose range is refreshed anyhow. The parts' ids follow from the batch's.
    """
    parts: dict[str, list[Event]] = {}
    for event in batch.events:
        late = event.received_at - event.ts > LATE
        parts.setdefault(f"{event.ts.astimezone(UTC):%Y-%m-%dT%H}" if late else "fresh", []).append(event)
    if not 1 < len(parts) <= MOST_PARTS:
        return [batch]
    split = [Batch(events, [], uuid5(batch.batch_id, name)) for name, events in parts.items()]
    split[0].rejected = batch.rejected
    return split


def halves(batch: Batch, error: StorageError, result: Isolated) -> list[Batch]:
    """The batch in two parts, or none when it is a single item, whose refusal is noted.

    The parts' ids follow from the batch's, so a repeated attempt that splits again stores nothing twice.
    """
    events, rejected = batch.events, batch.rejected
    if len(events) + len(rejected) <= 1:
        result.refused.extend((event, error) for event in events)
        for rejection in rejected:
            log.error("rejected event refused", raw=rejection.raw, error=str(error))
        return []
    middle = (len(events) + len(rejected)) // 2
    kept = max(0, middle - len(events))
    first, second = part_ids(batch.batch_id)
    return [Batch(events[:middle], rejected[:kept], first), Batch(events[middle:], rejected[kept:], second)]


def part_ids(batch_id: UUID) -> tuple[UUID, UUID]:
    """The ids of the two halves of a batch."""
    return uuid5(batch_id, "first"), uuid5(batch_id, "second")
