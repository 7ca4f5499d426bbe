"""Whether a day is in the archive as this database knows it."""

from __future__ import annotations

from datetime import datetime

import structlog
from psycopg import Connection

from beatline.archive import days
from beatline.archive.archiving import Archive, described
from beatline.archive.days import ArchivedDay
from beatline.archive.manifest import ArchiveDamaged, Day, Found, find_manifest
from beatline.archive.reading import verify

log = structlog.get_logger()


def check_day(
    archive: Archive, connection: Connection, day: Day, now: datetime, *, read_parts: bool = True
) -> str | None:
    """What is wrong with an archived day, None for nothing; noted in its row, if it has one.

    Without read_parts only manifest and sizes are looked at.
    """
    try:
        found = expected(find_manifest(archive.store, day), days.find_day(connection, day))
        compare_sizes(archive, day, found)
        if not read_parts:
            return None
        verify(archive.store, archive.folder, found.manifest)
    except ArchiveDamaged as damage:
        error = str(damage)
        log.error("archived day is damaged", **described(day), error=error)
        days.note(connection, "archive_note_read", day, error=error, now=now)
        return error
    days.note(connection, "archive_note_read", day, error=None, now=now)
    return None


def expected(found: Found | None, known: ArchivedDay | None) -> Found:
    """A day's manifest, when it is the one that this database knows or might have been about to write.

    Raises ArchiveDamaged.
    """
    if found is None:
        raise ArchiveDamaged("There is no manifest.")
    if known and known.state == "verified" and known.checksum != found.checksum:
        raise ArchiveDamaged("The manifest is another one than was verified.")
    return found


def compare_sizes(archive: Archive, day: Day, found: Found) -> None:
    """Raise ArchiveDamaged when a part is gone, or shorter or longer than it was."""
    for part in found.manifest.parts:
        if archive.store.size(day.folder + part.name) != part.bytes:
            raise ArchiveDamaged(f"{part.name} is gone or has another size.")
