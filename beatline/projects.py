"""Projects and write keys, as one process knows them: a snapshot, read again every second.

A lookup costs no query. A key that the snapshot does not have is looked for in the database once more before
it is refused, since it may be seconds old; unknown keys cause a few queries a second at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import structlog
from psycopg import Connection
from psycopg.rows import dict_row

from beatline.errors import StorageError
from beatline.events import DEFAULT_PROJECT
from beatline.storage.queries import query

log = structlog.get_logger()

REFRESH_SECONDS = 1.0
FAILURE_SECONDS = 1.0  # after a failed reading nobody else waits for another one so long
READ_SECONDS = 0.02  # least time between two readings, however many unknown keys come


class Project(msgspec.Struct, frozen=True):
    """What ingestion needs to know of a project."""

    project_id: int
    name: str = ""
    paused: bool = False


@dataclass(frozen=True)
class Directory:
    """Every project, by id and by write key."""

    projects: dict[int, Project] = field(default_factory=dict)
    by_key: dict[str, Project] = field(default_factory=dict)


def read_directory(connection: Connection) -> Directory:
    """The directory as the database has it now."""
    directory = Directory()
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(query("project_directory")):
            keys = row.pop("write_keys")
            project = Project(**row)
            directory.projects[project.project_id] = project
            directory.by_key.update(dict.fromkeys(keys, project))
    return directory


class Projects:
    """The directory of this process, refreshed by a thread until close().

    read gives the directory; StorageError while the database is away, when the last one stays in use.
    """

    def __init__(self, read: Callable[[], Directory]) -> None:
        self.read = read
        self.directory: Directory | None = None
        self.read_at = 0.0
        self.failed_at = -FAILURE_SECONDS
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._keep_fresh, name="projects", daemon=True)
        self.thread.start()

    def find(self, write_key: str) -> Project | None:
        """The project of a write key; None when there is no such key.

        Raises StorageError (temporary) when that cannot be told because the database is away.
        """
        known = self.directory
        if known is None or write_key not in known.by_key:
            known = self.refresh()
        return known.by_key.get(write_key)

    def default(self) -> Project:
        """The project that events without a key belong to; taken as open while the database is away."""
        known = self.directory
        return (known and known.projects.get(DEFAULT_PROJECT)) or Project(DEFAULT_PROJECT)

    def refresh(self) -> Directory:
        """The directory, read since this call; callers at the same time share a reading.

        Raises StorageError.
        """
        called_at = time.monotonic()
        with self.lock:
            if self.directory is None or self.read_at < called_at:
                self._read()
            assert self.directory is not None  # noqa: S101 - read, or an error was raised
            return self.directory

    def close(self) -> None:
        """Stop refreshing."""
        self.closing.set()

    def _read(self) -> None:
        if time.monotonic() - self.failed_at < FAILURE_SECONDS:
            raise StorageError("the database is away", permanent=False)
        time.sleep(max(0.0, self.read_at + READ_SECONDS - time.monotonic()))
        started = time.monotonic()
        try:
            self.directory = self.read()
        except StorageError:
            self.failed_at = started
            raise
        self.read_at = started

    def _keep_fresh(self) -> None:
        while not self.closing.is_set():
            try:
                self.refresh()
            except StorageError as error:
                log.warning("projects not read", error=str(error).strip())
            self.closing.wait(REFRESH_SECONDS)
