"""Putting archived days back into the database, each event once, however often it is tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog
from psycopg import Connection, errors

from beatline.archive import days
from beatline.archive.archiving import Archive, described
from beatline.archive.manifest import Day, Found, find_manifest
from beatline.archive.parquet import SCHEMA, EventRow, place_of
from beatline.archive.reading import moment, read_day, verify
from beatline.errors import NotPossible
from beatline.storage.engine import TIMESCALEDB, read_engine
from beatline.storage.queries import query

log = structlog.get_logger()

BATCH_ROWS = 1_000
BATCH_BYTES = 4 * 2**20
# In order: each is made of one before it.
AGGREGATES = (
    "events_by_minute", "pages_by_minute", "events_by_hour", "pages_by_hour", "users_by_hour",
    "events_by_day", "pages_by_day", "users_by_day",
)  # fmt: skip


class Restored(NamedTuple):
    """How many events the archive has of a day, and how many of them came back."""

    archived: int
    restored: int


def restore_day(
    archive: Archive, connection: Connection, day: Day, hold: timedelta, now: datetime
) -> Restored:
    """Put the events of a day back that the database has not; retention leaves the day alone for so long.

    Needs the rights of the owner. Raises NotPossible when the day is not archived, or when retention would
    drop it at once; ArchiveDamaged before anything was put back.
    """
    found = find_manifest(archive.store, day)
    if found is None:
        raise NotPossible(f"{day.day} of project {day.project_id} is not in the archive.")
    if (
        read_engine(connection) == TIMESCALEDB
        and connection.execute(query("event_retention_policy")).fetchone()
    ):
        raise NotPossible(
            "TimescaleDB's retention policy would drop the day again: set BEATLINE_ARCHIVE=on, or no "
            "BEATLINE_RETENTION_DAYS, and run `beatline migrate`."
        )
    verify(archive.store, archive.folder, found.manifest)
    days.note(connection, "archive_hold", day, held_until=now + hold)
    count = sum(
        put_back(connection, day, batch)
        for batch in batches(read_day(archive.store, archive.folder, found.manifest))
    )
    count_restored(connection, day)
    note_restored(connection, day, found, now)
    log.info("day restored", **described(day), archived=found.manifest.events, restored=count)
    return Restored(found.manifest.events, count)


def put_back(connection: Connection, day: Day, batch: list[bytes]) -> int:
    """Put some events back; how many of them were missing."""
    parameters = {**day._asdict(), "events": (b"[" + b",".join(batch) + b"]").decode()}
    row = connection.execute(query("archive_restore"), parameters).fetchone()
    return int(row[0]) if row else 0


def batches(rows: Iterable[EventRow]) -> Iterator[list[bytes]]:
    """Events as JSON, as many as one statement takes."""
    batch: list[bytes] = []
    size = 0
    for _, same in groupby(rows, key=place_of):
        for copy, row in enumerate(same, 1):
            batch.append(encode(row, copy))
            size += len(batch[-1])
            if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def encode(row: EventRow, copy: int) -> bytes:
    """An event as restore_events takes it. copy: the how manieth it is of its id and time."""
    event = dict(zip(SCHEMA.names, row, strict=True))
    event["event_id"] = UUID(bytes=event["event_id"])
    event["ts"], event["received_at"] = moment(event["ts"]), moment(event["received_at"])
    event["properties"] = msgspec.Raw(event["properties"].encode())
    return msgspec.json.encode(event | {"copy": copy})


def count_restored(connection: Connection, day: Day) -> None:
    """Let the aggregates count what was put back and what they did not know; they know what was dropped."""
    if read_engine(connection) == TIMESCALEDB:
        refresh(connection, day)
    else:
        connection.execute(query("archive_count_restored"), day._asdict())


def refresh(connection: Connection, day: Day) -> None:
    """Refresh a day of the aggregates if it counts too few events (timescaledb engine).

    A refresh counts what is there, so it would erase what another project has dropped of the day.
    """
    row = connection.execute(query("archive_uncounted"), days.bounds(day)).fetchone()
    too_few, too_many = row or (False, False)
    if too_few and too_many:
        log.warning("restored events are not counted: others of the day are dropped", day=str(day.day))
    if not too_few or too_many:
        return
    for aggregate in AGGREGATES:
        parameters = {"aggregate": aggregate, "start": day.since, "end": day.until}
        try:
            connection.execute(query("refresh_aggregate"), parameters)
        except errors.InsufficientPrivilege:
            log.warning("aggregate not refreshed: it is another role's", aggregate=aggregate)


def note_restored(connection: Connection, day: Day, found: Found, now: datetime) -> None:
    """A day is back. When it has other events as well, it is to be archived anew."""
    with connection.transaction():
        days.note(connection, "archive_restored", day)
        seen = days.look(connection, day)
        if seen.stored == found.manifest.content:
            days.note_verified(connection, found, seen, now)
