"""Exports: a worker writes the file of one that is due, and puts it into the file store when it is whole.

Who has an export's lock works on it; the lock ends with the connection, so an export whose worker was killed
is free at once, and is begun anew. Each attempt writes a file of its own, first here and then under a name
of its own in the file store; the last step enters that name, and only for the attempt that was begun last.
So whatever happens, an export has a whole file or none.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection

from beatline.analytics.event_log import Filter
from beatline.errors import BeatlineError, NotPossible, StorageError
from beatline.export_files import (
    EVENT_FORMATS,
    REPORT_FORMATS,
    Events,
    EventsDropped,
    expected_events,
    shared_snapshot,
    write_events,
)
from beatline.exports import (
    FOLDER,
    EventsRequest,
    Export,
    FileStoreError,
    ReportRequest,
    delete_file,
    export_store,
    prefix_of,
    read_one,
    store_errors,
)
from beatline.file_store import PART, FileStore
from beatline.notifications.outbox import Notification, notify
from beatline.reports.engine import run_report
from beatline.reports.result import rows_of
from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.store import CONNECT_OPTIONS, connected, translated_errors
from workers.maintenance import try_lock

log = structlog.get_logger()

MOST_ATTEMPTS = 5
FIRST_PAUSE = timedelta(seconds=15)  # twice as long after each attempt
LOOK_SECONDS = 0.5  # between two looks whether an export is still wanted
REPORT_SECONDS = 600.0
BUFFER = 2**20
PAGE = "/reports/downloads"
FORMAT_NAMES = {"csv": "CSV", "ndjson": "NDJSON", "parquet": "Parquet", "pdf": "PDF"}
ENTRIES_AGE = timedelta(days=90)  # that exports are listed after their end
ABANDONED = timedelta(days=1)  # files of attempts that were killed

# One statement reads a part of bounded size, so it takes seconds; the transaction that holds the snapshot is
# idle for as long as the export takes.
READING_OPTIONS = CONNECT_OPTIONS | {
    "options": "-c statement_timeout=15min -c idle_in_transaction_session_timeout=0 -c timezone=UTC"
}


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """The attempt is no longer wanted, or its lock is lost."""


def run_export(settings: Settings, export_id: str, now: datetime) -> None:
    """Make an attempt at an export that is due, unless somebody else is at it or it has ended."""
    try:
        with connected(settings.database_url) as connection:
            export = take(connection, UUID(export_id), now)
            if export:
                Attempt(settings, connection, export, now).run()
    except StorageError as error:
        log.warning("export interrupted", export_id=export_id, error=str(error).strip())


def take(connection: Connection, export_id: UUID, now: datetime) -> Export | None:
    """Take the lock and begin an attempt."""
    if not try_lock(connection, f"beatline export {export_id}"):
        return None
    return read_one(connection, "export_take", {"export_id": export_id, "now": now})


@dataclass
class Attempt:
    """One worker's attempt at an export. connection: has the lock; Watch uses it while the file is made."""

    settings: Settings
    connection: Connection
    export: Export
    began: datetime
    began_at: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> datetime:
        """The time, counted from when the attempt began."""
        return self.began + timedelta(seconds=time.monotonic() - self.began_at)

    @property
    def key(self) -> dict[str, Any]:
        """Which attempt it is, as parameters of statements."""
        return {"export_id": self.export.export_id, "attempt": self.export.attempts}

    @property
    def name(self) -> str:
        """Where its file comes to lie in the file store: the next attempt has another place."""
        return f"{prefix_of(self.export.export_id)}{self.export.attempts}.{self.export.format}"

    def run(self) -> None:
        """Make the file and enter it, or note why not. Raises StorageError when the database is away."""
        if self.export.attempts > MOST_ATTEMPTS:
            reason = self.export.error or "its workers ended"
            self.fail(f"Given up after {MOST_ATTEMPTS} attempts: {reason}", again=False)
            return
        path = self.temporary_file()
        try:
            self.enter(*self.make(path))
        except Stopped:
            log.info("export stopped", export_id=str(self.export.export_id))
        except NotPossible as error:
            self.fail(str(error), again=False)
        except (OSError, FileStoreError, EventsDropped) as error:
            self.fail(words_of(error), again=True)
        except psycopg.Error as error:
            log.warning("export interrupted", export_id=str(self.export.export_id), error=str(error).strip())
            self.fail("The database broke off.", again=True)
        except StorageError:
            raise
        except Exception:
            self.fail("The workers met an error, which is in their log.", again=True)
            raise
        finally:
            path.unlink(missing_ok=True)

    def temporary_file(self) -> Path:
        """Where the file is written; what earlier attempts left here is deleted."""
        folder = temporary_folder(self.settings)
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{self.export.export_id}.*"):
            left.unlink(missing_ok=True)
        return folder / f"{self.export.export_id}.{self.export.attempts}{PART}"

    def make(self, path: Path) -> tuple[int, int]:
        """Write the file and put it into the file store: its rows and bytes.

        Raises Stopped, NotPossible, OSError, FileStoreError, EventsDropped, psycopg.Error.
        """
        with (
            psycopg.connect(str(self.settings.database_url), **READING_OPTIONS) as reading,
            Watch(self, reading) as watch,
        ):
            with path.open("wb", buffering=BUFFER) as file, watch.stopping():
                rows = self.write(reading, watch, file)
            size = path.stat().st_size
            with store_errors("take"):
                export_store(self.settings).put(path, self.name)
        return rows, size

    def write(self, reading: Connection, watch: Watch, file: BinaryIO) -> int:
        """Write what was asked for; how many rows."""
        asked = self.export.asked
        if isinstance(asked, EventsRequest):
            return self.write_events(asked.as_filter(self.export.project_id), reading, watch, file)
        return self.write_report(asked, reading, watch, file)

    def write_events(self, wanted: Filter, reading: Connection, watch: Watch, file: BinaryIO) -> int:
        """Write events, all of one moment."""
        most, expected = self.settings.max_export_events, expected_events(reading, wanted)
        if expected.exact and expected.events > most:
            raise too_many(most)
        watch.expected = expected.events
        statement, opened = EVENT_FORMATS[self.export.format]

        def on_rows(rows: int) -> None:
            watch.rows = rows
            watch.check()
            if rows > most:
                raise too_many(most)

        with (
            psycopg.connect(str(self.settings.database_url), **READING_OPTIONS) as holding,
            shared_snapshot(holding) as snapshot,
        ):
            return write_events(Events(reading, wanted, snapshot), statement, opened(file), on_rows)

    def write_report(self, asked: ReportRequest, reading: Connection, watch: Watch, file: BinaryIO) -> int:
        """Write what a report answers."""
        result = run_report(reading, self.export.project_id, asked.definition, asked.as_of, REPORT_SECONDS)
        watch.rows = watch.expected = sum(1 for _ in rows_of(result))
        watch.check()
        REPORT_FORMATS[self.export.format](asked.name, result, file)
        return watch.rows

    def enter(self, rows: int, size: int) -> None:
        """Enter the file that lies in the file store. Raises Stopped when it is no longer wanted."""
        store, now = export_store(self.settings), self.now
        parameters = self.key | {
            "now": now,
            "expires_at": now + timedelta(days=self.settings.export_days),
            "rows_written": rows,
            "bytes": size,
            "file_name": self.name,
        }
        with translated_errors(), self.connection.transaction():
            done = read_one(self.connection, "export_done", parameters)
            if done:
                tell(self.connection, done, now)
        if done is None:
            delete_file(store, self.name)
            raise Stopped
        log.info("export done", export_id=str(done.export_id), rows=rows, bytes=size)
        delete_others(store, done)

    def fail(self, error: str, *, again: bool) -> None:
        """Note that the attempt failed. again: whether another one may help. Raises StorageError."""
        now, last = self.now, not again or self.export.attempts >= MOST_ATTEMPTS
        again_at = None if last else now + FIRST_PAUSE * (1 << (self.export.attempts - 1))
        parameters = self.key | {"now": now, "again_at": again_at, "error": error}
        with translated_errors(), self.connection.transaction():
            failed = read_one(self.connection, "export_failed", parameters)
            if failed and last:
                tell(self.connection, failed, now)
        log.warning("export failed", export_id=str(self.export.export_id), error=error, again=not last)


class Watch:
    """Tells how far an attempt is, and looks whether it is still wanted; when not, its reading is cancelled.
    Has the connection with the lock to itself until the end of the block."""

    def __init__(self, attempt: Attempt, reading: Connection) -> None:
        self.attempt = attempt
        self.reading = reading
        self.rows = 0
        self.expected: int | None = None
        self.stopped = False
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.keep_looking, daemon=True)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def keep_looking(self) -> None:
        """Look again and again."""
        while not self.ended.wait(LOOK_SECONDS):
            self.look()
            if self.stopped:
                with suppress(psycopg.Error):
                    self.reading.cancel_safe(timeout=LOOK_SECONDS)

    def look(self) -> None:
        """Tell how far it is. Nobody else's worker has the lock as long as the connection is there."""
        attempt = self.attempt
        parameters = attempt.key | {
            "rows_written": self.rows,
            "rows_expected": self.expected,
            "now": attempt.now,
        }
        try:
            known = attempt.connection.execute(query("export_progress"), parameters).fetchone()
        except psycopg.Error as error:
            log.warning("export's lock lost", error=str(error).strip(), **attempt.key)
            known = None
        self.stopped = self.stopped or known is None

    def check(self) -> None:
        """Raise Stopped when the attempt is no longer wanted."""
        if self.stopped:
            raise Stopped

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Raise Stopped for what a cancelled statement raises, a report's TooLong among it."""
        try:
            yield
        except (psycopg.Error, NotPossible):
            self.check()
            raise


def too_many(most: int) -> NotPossible:
    """Why an export of so many events ends."""
    return NotPossible(f"More than {most:,} events pass the filter: take a shorter time, or filter more.")


def words_of(error: OSError | BeatlineError) -> str:
    """What went wrong with a file, for whoever asked for it."""
    if isinstance(error, BeatlineError):
        return str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk of the workers is full."
    return f"The file cannot be written: {error.strerror}."


def tell(connection: Connection, export: Export, now: datetime) -> None:
    """Tell who waits for an export that it is ready, or that it failed."""
    waiting = dict.fromkeys(filter(None, (export.account_id, *export.recipients)))
    if not waiting:
        return
    ready, what = export.state == "done", "report" if export.schedule_id else "export"
    notification = Notification(
        key=f"export:{export.export_id}",
        kind=what,
        severity="info" if ready else "warning",
        title=f"Your {what} is ready" if ready else f"Your {what} failed",
        body=f"{export.title}: {contents(export) if ready else export.error}",
        path=PAGE,
        project_id=export.project_id,
        account_ids=list(waiting),
    )
    notify(connection, notification, now)


def contents(export: Export) -> str:
    """What a file holds, in words."""
    name = FORMAT_NAMES[export.format]
    return f"{export.rows_written:,} rows as {name}, kept until {export.expires_at:%d %b %Y}."


def delete_others(store: FileStore, done: Export) -> None:
    """Delete the files of earlier attempts, which were put into the file store but never entered."""
    with suppress(FileStoreError), store_errors("list"):
        for name in list(store.names(prefix_of(done.export_id))):
            if name != done.file_name:
                delete_file(store, name)


def temporary_folder(settings: Settings) -> Path:
    """Where files are written until they are whole."""
    return settings.data / "exports"


def expire_exports(settings: Settings, now: datetime) -> None:
    """Delete files whose time is over, and those that no export has; forget exports of long ago."""
    store = export_store(settings)
    with connected(settings.database_url) as connection:
        for export_id, name in connection.execute(query("exports_expire"), {"now": now}).fetchall():
            if delete_file(store, name):
                connection.execute(query("export_file_gone"), {"export_id": export_id})
        connection.execute(query("exports_forget"), {"ended_before": now - ENTRIES_AGE})
        with suppress(FileStoreError):
            delete_strays(store, connection)
    with suppress(FileStoreError), store_errors("delete parts of"):
        store.delete_abandoned(FOLDER, now - ABANDONED)
    for path in temporary_folder(settings).glob(f"*{PART}"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < (now - ABANDONED).timestamp():
                path.unlink()


def delete_strays(store: FileStore, connection: Connection) -> None:
    """Delete files that no export has entered and none is just making. Raises FileStoreError."""
    with store_errors("list"):
        # Before the exports are read: a file that is entered in between is known then.
        names = list(store.names(FOLDER))
    known = connection.execute(query("exports_with_files")).fetchall()
    entered = {name for _, name, _ in known}
    making = tuple(prefix_of(export_id) for export_id, _, is_running in known if is_running)
    for name in names:
        if name not in entered and not name.startswith(making):
            delete_file(store, name)
