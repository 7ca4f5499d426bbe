"""Imports: files of events that the collector received, read and stored chunk by chunk.

How far an import came is saved in the transaction of each chunk, so one that was stopped, however it was,
goes on after its last chunk; no ledger has to remember for it. Who has an import's lock works on it; the lock
ends with the connection, so an import whose worker was killed is free at once.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import structlog
from psycopg import Connection
from psycopg.rows import class_row

from beatline.errors import StorageError
from beatline.events import Event, Reason, utc_now
from beatline.imports import (
    REJECTS,
    UPLOAD,
    Import,
    RejectedRow,
    RejectsFile,
    import_folder,
    imports_folder,
)
from beatline.ingest.csv_rows import BadFile, Row
from beatline.ingest.event_files import EventFile, open_events
from beatline.ingest.pipeline import STEPS, Draft, Protocol, Rejection, run
from beatline.ingest.wire import TrackedEventSchema
from beatline.projects import Project, read_directory
from beatline.settings import Settings
from beatline.storage.queries import query, read_count
from beatline.storage.store import Batch, Isolated, Store, connected
from beatline.storage.together import write_together
from workers.maintenance import try_lock

log = structlog.get_logger()

TURN_SECONDS = 10.0  # then another import has its turn; who stops the workers waits no longer
CHUNK_ROWS = 2_000
CHUNK_BYTES = 8 * 2**20  # of the file; bounds the memory when rows are large
MOST_ATTEMPTS = 10
ABANDONED = timedelta(days=1)  # uploads that never came to their end

one_at_a_time = threading.Lock()  # in a process, so that the other jobs always have threads


def run_imports(settings: Settings, now: datetime) -> None:
    """Work on the import that waits longest, for one turn. Others in this process return at once."""
    if not one_at_a_time.acquire(blocking=False):
        return
    try:
        if anything_open(settings, now):
            with closing(Store.connect(str(settings.database_url))) as store:
                work(settings, store, now, TURN_SECONDS)
    except StorageError as error:
        log.warning("import interrupted", error=str(error).strip())
    finally:
        one_at_a_time.release()


def anything_open(settings: Settings, now: datetime) -> bool:
    """Whether an import waits."""
    with connected(settings.database_url) as connection:
        return connection.execute(query("imports_open"), {"now": now}).fetchone() is not None


def work(settings: Settings, store: Store, now: datetime, seconds: float) -> None:
    """Work on the first import that nobody has, for so long. Raises StorageError (temporary)."""
    taken = take(store.connection, now)
    if taken is None:
        return
    if taken.attempts > MOST_ATTEMPTS:
        end(store.connection, taken, f"Given up: {MOST_ATTEMPTS} attempts did not store a row.")
        return
    try:
        Turn(settings, store, taken).run(time.monotonic() + seconds)
    except BadFile as error:
        end(store.connection, taken, f"The file cannot be read: {error}")
    except FileNotFoundError:
        end(store.connection, taken, "The file is gone. Collector and workers need the same BEATLINE_DATA.")


def take(connection: Connection, now: datetime) -> Import | None:
    """Take up the import that waits longest among those that nobody works on."""
    for (import_id,) in connection.execute(query("imports_open"), {"now": now}).fetchall():
        if try_lock(connection, f"beatline import {import_id}"):
            with connection.cursor(row_factory=class_row(Import)) as cursor:
                taken = cursor.execute(query("import_take"), {"import_id": import_id, "now": now}).fetchone()
            if taken:
                return taken
    return None


def end(connection: Connection, ended: Import, error: str | None) -> None:
    """Note that an import is done, or why it failed."""
    parameters = {"import_id": ended.import_id, "now": utc_now(), "error": error}
    connection.execute(query("import_end"), parameters)
    log.info("import ended", import_id=str(ended.import_id), rows=ended.rows_read, error=error)


class Turn:
    """One worker's turn at an import."""

    def __init__(self, settings: Settings, store: Store, taken: Import) -> None:
        self.settings = settings
        self.store = store
        self.state = taken  # as it is saved
        self.folder = import_folder(settings, taken.import_id)

    def run(self, until: float) -> None:
        """Store chunks until the file is read or the turn is over. Raises StorageError, BadFile, OSError."""
        project = read_directory(self.store.connection).projects[self.state.project_id]
        with (
            (self.folder / UPLOAD).open("rb") as file,
            closing(RejectsFile(self.folder / REJECTS)) as rejects,
        ):
            taken, limit = self.state, self.settings.max_event_bytes
            source = open_events(file, taken.event_type, limit, taken.bytes_read, taken.lines_read)
            protocol = Protocol("import", source.decode, TrackedEventSchema)
            while rows := list(chunk(source)):
                self.store_chunk(source, rejects, Chunk(rows, protocol, project, self.state, limit))
                if time.monotonic() >= until:
                    return
        end(self.store.connection, self.state, None)

    def store_chunk(self, source: EventFile, rejects: RejectsFile, read: Chunk) -> None:
        """Store what a chunk holds and how far it came, in one transaction."""
        before = self.state
        place = rejects.write(before.rejects_bytes, read.rejected)

        def save(connection: Connection, result: Isolated) -> None:
            refused = [read.refused(event, error) for event, error in result.refused]
            parameters = {
                "import_id": before.import_id,
                "bytes_read": source.lines.offset,
                "lines_read": source.lines.number,
                "rejects_bytes": rejects.write(place, refused),
                "rows": len(read.rows),
                "stored": result.events,
                "duplicates": result.duplicates,
                "rejected": len(read.rejected) + len(refused),
            }
            with connection.cursor(row_factory=class_row(Import)) as cursor:
                saved.extend(cursor.execute(query("import_progress"), parameters).fetchall())

        saved: list[Import] = []
        batch_id = uuid5(before.import_id, f"rows from {before.rows_read}")
        write_together(self.store, Batch(read.events, batch_id=batch_id), save)
        self.state = saved[-1]


class Chunk:
    """Some rows as events, and those that are none."""

    def __init__(
        self, rows: list[Row], protocol: Protocol, project: Project, before: Import, max_event_bytes: int
    ) -> None:
        self.rows = rows
        self.events: list[Event] = []
        self.rejected: list[RejectedRow] = []
        self.number_of: dict[int, int] = {}  # by id() of the event
        self.first = before.rows_read + 1
        seconds = [0.0] * len(STEPS)
        for number, row in enumerate(rows, self.first):
            draft = Draft(row.raw, protocol, project, before.created_at, max_event_bytes)
            result = run(draft, seconds)
            if isinstance(result, Rejection):
                self.rejected.append(RejectedRow(number, row.cells, result.reason, result.errors))
            else:
                self.add(before.import_id, number, result)

    def add(self, import_id: UUID, number: int, event: Event) -> None:
        """An event of a row: without an id of its own, the row's number makes one."""
        if not event.client_id:
            event.event_id = uuid5(import_id, str(number))
        self.number_of[id(event)] = number
        self.events.append(event)

    def refused(self, event: Event, error: StorageError) -> RejectedRow:
        """The row of an event that the database refuses for good."""
        number = self.number_of[id(event)]
        cells = self.rows[number - self.first].cells
        return RejectedRow(number, cells, Reason.STORAGE, {"event": [str(error)]})


def chunk(source: EventFile) -> Iterator[Row]:
    """The next rows of a file, as many as one transaction takes."""
    begin = source.lines.offset
    for count, row in enumerate(source.rows, 1):
        yield row
        if count >= CHUNK_ROWS or source.lines.offset - begin >= CHUNK_BYTES:
            return


def forget_imports(settings: Settings, now: datetime) -> None:
    """Forget imports that ended long ago, and delete the files of all that are not known."""
    with connected(settings.database_url) as connection:
        ended_before = now - timedelta(days=settings.import_days)
        read_count(
            connection,
            "imports_expire",
            {"ended_before": ended_before, "begun_before": now - ABANDONED},
        )
        known = {str(import_id) for (import_id,) in connection.execute(query("imports_known"))}
    for folder in imports_folder(settings).glob("*"):
        old = folder.stat().st_mtime < (now - ABANDONED).timestamp()
        if old and folder.name not in known:
            shutil.rmtree(folder, ignore_errors=True)
