"""The job that archives days that are over."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from psycopg import Connection

from beatline.settings import Settings
from beatline.storage.engine import TIMESCALEDB, read_engine
from beatline.storage.queries import query
from beatline.storage.store import connected
from workers.maintenance import try_lock

if TYPE_CHECKING:
    from beatline.archive.archiving import Archive
    from beatline.archive.manifest import Day

log = structlog.get_logger()

TURN_SECONDS = 1_800.0  # then the next run goes on; a day that is begun is finished
ABANDONED = timedelta(days=1)
FOLDER = "archiving"  # in BEATLINE_DATA: one part at a time


def archive_days(settings: Settings, now: datetime) -> None:
    """Archive days that are over and have events that are not archived, the oldest first, for one turn.

    Raises StorageError, and what the archive's storage raises.
    """
    if not settings.archive:
        return
    from beatline.archive.archiving import open_archive  # noqa: PLC0415 - Arrow, only for who archives

    until = time.monotonic() + TURN_SECONDS
    archive = open_archive(settings, settings.data / FOLDER)
    for day in find_days(settings, now):
        if time.monotonic() > until:
            break
        archive_one(archive, settings, day, now)
    delete_abandoned(archive, now)


def delete_abandoned(archive: Archive, now: datetime) -> None:
    """Delete what killed attempts left in the storage; without the right to look for it, it stays."""
    from beatline.archive.manifest import EVENTS  # noqa: PLC0415 - as above

    try:
        archive.store.delete_abandoned(EVENTS, now - ABANDONED)
    except Exception as error:  # whatever the storage raises: nothing is wrong with the archive
        log.warning("archive not tidied", error=str(error))


def find_days(settings: Settings, now: datetime) -> list[Day]:
    """The days to archive, the oldest first."""
    from beatline.archive.days import CLOSED_AFTER  # noqa: PLC0415 - as above
    from beatline.archive.manifest import Day  # noqa: PLC0415

    with connected(settings.database_url) as connection:
        warn_of_policy(connection)
        connection.execute(query("archive_find_days"), {"ended": now - CLOSED_AFTER})
        rows = connection.execute(query("archive_days_to_do"), {"now": now}).fetchall()
    return [Day(*row) for row in rows]


def archive_one(archive: Archive, settings: Settings, day: Day, now: datetime) -> None:
    """Archive a day, unless somebody else has it."""
    from beatline.archive.archiving import archive_day, described  # noqa: PLC0415 - as above
    from beatline.archive.days import note  # noqa: PLC0415
    from beatline.archive.manifest import ArchiveDamaged  # noqa: PLC0415

    with connected(settings.database_url) as connection:
        if not try_lock(connection, day.lock):
            return
        connection.execute("set statement_timeout = '30min'")
        try:
            archive_day(archive, connection, day, now)
        except ArchiveDamaged as error:
            log.error("archived day is damaged", **described(day), error=str(error))
            note(connection, "archive_note_tried", day, error=str(error), now=now)


def warn_of_policy(connection: Connection) -> None:
    """Say so when TimescaleDB drops events by itself, which knows nothing of the archive."""
    if (
        read_engine(connection) == TIMESCALEDB
        and connection.execute(query("event_retention_policy")).fetchone()
    ):
        log.error("events are dropped before they are archived", remedy="run `beatline migrate`")
