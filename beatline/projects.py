"""Projects and write keys, as one process knows them: a snapshot, read again every second.

A lookup costs no query. A key that the snapshot does not have is looked for in the database once more before
it is refused, since it may be seconds old; unknown keys cause a few queries a second at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import structlog
from psycopg import Connection, Cursor
from psycopg.rows import dict_row

from beatline.catalogue import BUILT_IN, Catalogue, Mode
from beatline.errors import StorageError
from beatline.events import DEFAULT_PROJECT
from beatline.storage.queries import query
from beatline.webhook_sources import Source, read_sources

log = structlog.get_logger()

REFRESH_SECONDS = 1.0
FAILURE_SECONDS = 1.0  # after a failed reading nobody else waits for another one so long
READ_SECONDS = 0.02  # least time between two readings, however many unknown keys come


class Project(msgspec.Struct, frozen=True):
    """What ingestion needs to know of a project; catalogue is None while its mode is off,
    allowed_origins where pages of any origin may send."""

    project_id: int
    name: str = ""
    paused: bool = False
    catalogue: Catalogue | None = None
    allowed_origins: frozenset[str] | None = None


@dataclass(frozen=True)
class Directory:
    """Every project, by id and by write key; the secrets that tell visitors apart, by UTC day; the sources of
    webhooks, by name."""

    projects: dict[int, Project] = field(default_factory=dict)
    by_key: dict[str, Project] = field(default_factory=dict)
    visitor_salts: dict[date, UUID] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)


def read_directory(connection: Connection, known: Directory | None = None) -> Directory:
    """The directory as the database has it now; catalogues without changes are those of the known one."""
    directory = Directory()
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("project_directory")).fetchall()
        catalogues = read_catalogues(cursor, rows, known or directory)
    for row in rows:
        project_id = row["project_id"]
        allowed = row["allowed_origins"]
        origins = None if allowed is None else frozenset(allowed)
        project = Project(project_id, row["name"], row["paused"], catalogues.get(project_id), origins)
        directory.projects[project_id] = project
        directory.by_key.update(dict.fromkeys(row["write_keys"], project))
    connection.execute(query("make_visitor_salts"))
    directory.visitor_salts.update(connection.execute(query("visitor_salts")).fetchall())
    directory.sources.update(read_sources(connection))
    return directory


def read_catalogues(
    cursor: Cursor[dict[str, Any]], rows: list[dict[str, Any]], known: Directory
) -> dict[int, Catalogue]:
    """The catalogues of the projects that look at their events; only those that have changed are read."""
    catalogues: dict[int, Catalogue] = {}
    changed: list[int] = []
    for row in rows:
        project_id, mode, version = row["project_id"], row["catalogue_mode"], row["catalogue_version"]
        if mode == Mode.OFF:
            continue
        earlier = known.projects.get(project_id)
        if earlier and earlier.catalogue and earlier.catalogue.version == version:
            catalogues[project_id] = earlier.catalogue
        else:
            catalogues[project_id] = Catalogue(version, mode == Mode.ENFORCE, dict(BUILT_IN))
            changed.append(project_id)
    if changed:
        for row in cursor.execute(query("event_schemas"), {"project_ids": changed}):
            catalogues[row["project_id"]].schemas[row["event_type"]] = row["schema"]
    return catalogues


class Projects:
    """The directory of this process, refreshed by a thread until close().

    read gives the directory, from the last one; StorageError while the database is away, when the last one
    stays in use.
    """

    def __init__(self, read: Callable[[Directory | None], Directory]) -> None:
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

    def source(self, name: str) -> tuple[Source, Project] | None:
        """A source of webhooks and its project; None when there is no such source.

        Raises StorageError (temporary) when that cannot be told because the database is away.
        """
        known = self.directory
        if known is None or name not in known.sources:
            known = self.refresh()
        source = known.sources.get(name)
        project = known.projects.get(source.project_id) if source else None
        return (source, project) if source and project else None

    def default(self) -> Project:
        """The project that events without a key belong to; taken as open while the database is away."""
        known = self.directory
        return (known and known.projects.get(DEFAULT_PROJECT)) or Project(DEFAULT_PROJECT)

    def visitor_salt(self, day: date) -> UUID:
        """The secret of today, by which visitors without any id are told apart.

        Raises StorageError (temporary) when it is not known and the database is away.
        """
        known = self.directory
        if known is None or day not in known.visitor_salts:
            known = self.refresh()
        if day not in known.visitor_salts:
            raise StorageError(f"there is no salt of {day}", permanent=False)
        return known.visitor_salts[day]

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
            self.directory = self.read(self.directory)
        except StorageError:
            self.failed_at = started
            raise
        self.read_at = started

    def _keep_fresh(self) -> None:
        while not self.closing.is_set():
            try:
                self.refresh()
            except StorageError as error:
                if not self.closing.is_set():
                    log.warning("projects not read", error=str(error).strip())
            self.closing.wait(REFRESH_SECONDS)
