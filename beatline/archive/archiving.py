"""Writing a day into the archive.

What a day has in the archive never becomes less: a new generation has the events of the one before and those
of the database. So late events are added to a day whether the database still has the rest of it or not.
"""

from __future__ import annotations

import hashlib
import heapq
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

import structlog
from psycopg import Connection

from beatline import __version__
from beatline.archive import days
from beatline.archive.days import ArchivedDay, Seen
from beatline.archive.manifest import (
    MANIFEST,
    ArchiveDamaged,
    Content,
    Day,
    Found,
    Manifest,
    Part,
    find_manifest,
    make_manifest,
    put_manifest,
)
from beatline.archive.parquet import EVENT_ID, PART_ROWS, EventRow, place_of, sum_of_ids, write_parts
from beatline.archive.reading import describe, fetch, read_day, verify
from beatline.errors import BeatlineError
from beatline.file_store import FileStore, open_file_store
from beatline.settings import Settings
from beatline.storage.queries import query

log = structlog.get_logger()

FETCH_ROWS = 100  # rows may be a megabyte each


class ArchiveError(BeatlineError):
    """A day could not be archived; it is tried again."""


@dataclass(frozen=True)
class Archive:
    """Where days lie, and a folder here in which a part at a time is written or read."""

    store: FileStore
    folder: Path
    part_rows: int = PART_ROWS


@dataclass(frozen=True)
class Attempt:
    """A day to be archived as a transaction sees it."""

    archive: Archive
    connection: Connection
    day: Day
    seen: Seen
    now: datetime


def open_archive(settings: Settings, folder: Path) -> Archive:
    """The archive of the settings, with an empty folder to work in. Raises StartError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return Archive(open_file_store(settings.archive_url, settings.data / "archive"), folder)


def archive_day(archive: Archive, connection: Connection, day: Day, now: datetime) -> Found | None:
    """Archive a day, or see that all of it is archived; None when there is nothing of it anywhere.

    Raises ArchiveDamaged when what is archived cannot be read and the database has not all of it any more.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        known = days.find_day(connection, day)
        attempt = Attempt(archive, connection, day, days.look(connection, day), now)
        try:
            found = bring_up(attempt, known)
        except ArchiveDamaged as error:
            if not has_all_of(attempt.seen, known):
                raise
            log.warning("damaged day is archived anew", **described(day), error=str(error))
            found = write(attempt, None, known.generation if known else 0)
    if found is None:
        days.note(connection, "archive_note_empty", day, counted=attempt.seen.counted, now=now)
    else:
        days.note_verified(connection, found, attempt.seen, now)
    return found


def bring_up(attempt: Attempt, known: ArchivedDay | None) -> Found | None:
    """The archive's newest generation of a day, which is written unless there is nothing to add."""
    archive, stored = attempt.archive, attempt.seen.stored
    found = find_manifest(archive.store, attempt.day)
    if found is None:
        return write(attempt, None, known.generation if known else 0) if stored.events else None
    held = known.stored if known and known.checksum == found.checksum else None
    if stored in (found.manifest.content, held):
        verify(archive.store, archive.folder, found.manifest)
        return found
    return write(attempt, found.manifest, found.manifest.generation)


def has_all_of(seen: Seen, known: ArchivedDay | None) -> bool:
    """Whether the database still has every event of a day that it archived."""
    if known is None or known.generation == 0 or known.dropped_at:
        return False
    return seen.stored.events >= known.events


def write(attempt: Attempt, base: Manifest | None, generation: int) -> Found:
    """Write the generation after this one: what the database has, and what the manifest base names.

    Raises ArchiveError, ArchiveDamaged.
    """
    archive, day = attempt.archive, attempt.day
    tally = Tally()
    rows = read_stored(attempt, tally)
    if base:
        rows = union(read_day(archive.store, archive.folder, base), rows)
    parts = [put_part(archive, day, path) for path in write_parts(rows, archive.folder, archive.part_rows)]
    manifest = make_manifest(day, generation + 1, parts, attempt.now, __version__)
    if tally.content != attempt.seen.stored or not is_whole(manifest, base, tally.content):
        raise ArchiveError(f"{day.day} of project {day.project_id} came out of the database incomplete")
    found = put_manifest(archive.store, archive.folder, day, manifest)
    remove_leftovers(archive.store, day, manifest)
    log.info(
        "day archived", **described(day), generation=manifest.generation,
        events=manifest.events, bytes=manifest.bytes, parts=len(parts),
    )  # fmt: skip
    return found


def is_whole(manifest: Manifest, base: Manifest | None, stored: Content) -> bool:
    """Whether what was written is as much as it has to be."""
    if base is None:
        return manifest.content == stored
    return manifest.events >= max(base.events, stored.events)


def put_part(archive: Archive, day: Day, path: Path) -> Part:
    """Put a finished file into the archive, and read it back. Raises ArchiveDamaged."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    part = describe(path, day, sha256)
    archive.store.put(path, day.folder + part.name)
    fetch(archive.store, archive.folder, day, part).unlink()
    return part


def remove_leftovers(store: FileStore, day: Day, manifest: Manifest) -> None:
    """Delete what is in a day's folder and no part of it: what is older, what killed attempts left."""
    kept = {MANIFEST, *(part.name for part in manifest.parts)}
    for name in list(store.names(day.folder)):
        if name.removeprefix(day.folder) not in kept:
            store.delete(name)


class Tally:
    """What some rows amount to, summed up while they pass."""

    def __init__(self) -> None:
        self.content = Content(0, 0)

    def add(self, rows: list[EventRow]) -> None:
        """Some more rows."""
        events, id_sum = self.content
        self.content = Content(events + len(rows), id_sum + sum_of_ids([row[EVENT_ID] for row in rows]))


def read_stored(attempt: Attempt, tally: Tally) -> Iterator[EventRow]:
    """The events that the database has of a day, in order, a few at a time."""
    with attempt.connection.cursor(name="archive", binary=True) as cursor:
        cursor.execute(query("archive_rows"), days.bounds(attempt.day))
        while rows := cursor.fetchmany(FETCH_ROWS):
            tally.add(rows)
            yield from rows


def union(archived: Iterable[EventRow], stored: Iterable[EventRow]) -> Iterator[EventRow]:
    """The events of both, in order, and those of both once. An id that one of them has several times at the
    same moment stays as often."""
    told = heapq.merge(
        ((row, False) for row in archived),
        ((row, True) for row in stored),
        key=lambda pair: place_of(pair[0]),
    )
    for _, group in groupby(told, key=lambda pair: place_of(pair[0])):
        same = list(group)
        kept = [row for row, is_stored in same if not is_stored]
        kept += [row for row, is_stored in same if is_stored][len(kept) :]
        yield from kept


def described(day: Day) -> dict[str, object]:
    """A day as log lines name it."""
    return {"project": day.project_id, "day": str(day.day)}
