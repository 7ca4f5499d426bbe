"""Retention with the archive: events are dropped when all of them are archived, checked just before.

From the last look to the drop nobody can add to what is dropped: drop_archived_events
(sql/migrations/0017_archive) holds the lock meanwhile.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import structlog
from psycopg import Connection
from psycopg.errors import DeadlockDetected, LockNotAvailable
from psycopg.rows import class_row

from beatline.archive.archiving import Archive
from beatline.archive.checking import check_day
from beatline.archive.days import ArchivedDay
from beatline.storage.engine import TIMESCALEDB, read_engine
from beatline.storage.queries import query

log = structlog.get_logger()

VERIFIED_FOR = timedelta(days=1)  # then a day is read back again before it is dropped
REFRESH_REACH = timedelta(hours=1)  # keeps a refresh of the aggregates away from what is dropped
TURN_SECONDS = 1_800


def drop_archived(archive: Archive, connection: Connection, before: datetime, now: datetime) -> int:
    """Drop what lies wholly before a time and is archived, the oldest first; how many partitions or chunks.

    What is not dropped is tried again in the next turn. Raises what the archive's storage raises.
    """
    until = time.monotonic() + TURN_SECONDS
    dropped = 0
    if read_engine(connection) == TIMESCALEDB:
        before -= REFRESH_REACH
    for lower, upper in connection.execute(query("archive_expired_parts"), {"before": before}).fetchall():
        if time.monotonic() > until:
            break
        if is_ready(archive, connection, (lower, upper), now):
            dropped += drop(connection, upper, now)
    return dropped


def is_ready(
    archive: Archive, connection: Connection, bounds: tuple[datetime, datetime], now: datetime
) -> bool:
    """Whether the events of a time are archived, as far as can be seen without a lock. The days that are not
    are noted."""
    parameters = {"since": bounds[0], "until": bounds[1], "now": now}
    with connection.cursor(row_factory=class_row(ArchivedDay)) as rows:
        known = rows.execute(query("archive_days_between"), parameters).fetchall()
    if any(is_in_the_way(day, now) for day in known):
        return False
    gaps = connection.execute(query("archive_mark_gaps"), parameters).fetchall()
    if gaps:
        log.info("expired events wait for the archive", since=str(bounds[0]), days=len(gaps))
        return False
    return all(is_intact(archive, connection, day, now) for day in known if may_be_stored(day))


def is_in_the_way(day: ArchivedDay, now: datetime) -> bool:
    """Whether retention has to wait for a day."""
    held = day.held_until is not None and day.held_until > now
    return held or (day.state not in ("verified", "empty") and day.dropped_at is None)


def may_be_stored(day: ArchivedDay) -> bool:
    """Whether the database may have events of an archived day: all, or some that came after a drop."""
    if day.state != "verified":
        return False
    return day.dropped_at is None or (day.archived_at is not None and day.archived_at > day.dropped_at)


def is_intact(archive: Archive, connection: Connection, day: ArchivedDay, now: datetime) -> bool:
    """Whether a day is in the archive as it was verified; it is read back unless that was done lately."""
    lately = day.verified_at is not None and day.verified_at > now - VERIFIED_FOR
    return check_day(archive, connection, day.key, now, read_parts=not lately) is None


def drop(connection: Connection, upper: datetime, now: datetime) -> bool:
    """Drop the partition or chunk that ends at a time; false when something came in between."""
    try:
        row = connection.execute(query("archive_drop"), {"upper": upper, "now": now}).fetchone()
    except (LockNotAvailable, DeadlockDetected) as error:
        log.info("expired events not dropped, they are in use", until=str(upper), error=str(error).strip())
        return False
    if row and row[0]:
        log.info("archived events dropped", until=str(upper))
    return bool(row and row[0])
