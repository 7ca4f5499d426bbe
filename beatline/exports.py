"""Exports to files: what is asked for, how far each is, and where its file lies.

The API and schedules of reports ask for exports, workers/exports.py makes their files, and the file store
keeps them until they expire. What is asked for is kept whole: a report that is changed or deleted
meanwhile changes no export.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
import structlog
from psycopg import Connection
from psycopg.rows import class_row

from beatline.accounts.access import Caller, Permission
from beatline.analytics.event_log import Filter
from beatline.errors import BeatlineError, NotPossible
from beatline.file_store import FileStore, open_file_store
from beatline.reports.definition import Conditions, Definition, as_filter, shows_only_numbers
from beatline.reports.periods import Fixed, Span
from beatline.settings import Settings
from beatline.storage.queries import query

log = structlog.get_logger()

FOLDER = "exports/"  # in the file store
EVENT_FORMATS = ("csv", "ndjson", "parquet")
REPORT_FORMATS = (*EVENT_FORMATS, "pdf")


class EventsRequest(msgspec.Struct, frozen=True, tag_field="kind", tag="events"):
    """The events of [since, until) that pass a filter of the event log."""

    since: datetime
    until: datetime
    filters: Conditions = Conditions()

    @property
    def permission(self) -> Permission:
        """What whoever may have the file has to be allowed."""
        return Permission.READ_EVENTS

    def as_filter(self, project_id: int) -> Filter:
        """The same as the event log takes it."""
        definition = Definition(Fixed(self.since, self.until), filters=self.filters)
        return as_filter(definition, project_id, Span(self.since, self.until))


class ReportRequest(msgspec.Struct, frozen=True, tag_field="kind", tag="report"):
    """What a report answers as of a time. name: of the saved report, or what it asks in words. for_viewers:
    those may have it too who may not read events."""

    name: str
    definition: Definition
    as_of: datetime
    for_viewers: bool = False

    @property
    def permission(self) -> Permission:
        """What whoever may have the file has to be allowed."""
        for_viewers = self.for_viewers or shows_only_numbers(self.definition)
        return Permission.READ_REPORTS if for_viewers else Permission.READ_EVENTS


Request = EventsRequest | ReportRequest


@dataclass(frozen=True)
class NewExport:
    """What somebody asks for. account_id: who; None: a schedule or the admin token. recipients: accounts that
    are told of it and may have it. schedule_id and due_at: the run of a report's schedule."""

    project_id: int
    request: Request
    format: str
    account_id: UUID | None = None
    recipients: list[UUID] = field(default_factory=list)
    schedule_id: int | None = None
    due_at: datetime | None = None


class MostOpen(NamedTuple):
    """How many exports may be waiting or running, of a project and of an account in it."""

    of_project: int
    of_account: int


@dataclass(frozen=True)
class Export:
    """An export as its table has it (sql/migrations/0016_exports)."""

    export_id: UUID
    project_id: int
    account_id: UUID | None
    recipients: list[UUID]
    kind: str
    format: str
    request: Any
    permission: str
    schedule_id: int | None
    due_at: datetime | None
    state: str
    requested_at: datetime
    not_before: datetime
    queued_at: datetime | None
    attempts: int
    started_at: datetime | None
    heartbeat_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    rows_expected: int | None
    rows_written: int
    bytes: int | None
    file_name: str | None
    error: str | None

    @property
    def asked(self) -> Request:
        """What was asked for."""
        asked: Request = msgspec.convert(self.request, EventsRequest | ReportRequest)
        return asked

    @property
    def percent(self) -> float:
        """How far it is. What is expected may be a guess, so only what is done is at 100."""
        if self.state in ("done", "expired"):
            return 100.0
        if not self.rows_expected:
            return 0.0
        return min(99.0, round(100 * self.rows_written / self.rows_expected, 1))

    @property
    def title(self) -> str:
        """What it is, in a word or as its report is called."""
        asked = self.asked
        return asked.name if isinstance(asked, ReportRequest) else "Events"

    @property
    def download_name(self) -> str:
        """What its file is called where it is saved."""
        return f"{self.kind}-{self.project_id}-{self.requested_at:%Y%m%dT%H%M%SZ}.{self.format}"

    @property
    def place(self) -> Place:
        """Where the page behind it begins."""
        return Place(self.requested_at, self.export_id)

    def may_be_had_by(self, caller: Caller) -> bool:
        """Whether somebody may see it and have its file: who asked, its recipients, and who administers the
        project; all of them only as long as they may see what is in it."""
        if not caller.may(Permission(self.permission), self.project_id):
            return False
        theirs = caller.account_id is not None and caller.account_id in (self.account_id, *self.recipients)
        return theirs or administers(caller, self.project_id)


class Place(NamedTuple):
    """The export behind which a page begins."""

    requested_at: datetime
    export_id: UUID


def administers(caller: Caller, project_id: int) -> bool:
    """Whether somebody has to do with what others ask for in a project."""
    return caller.may(Permission.WRITE_MEMBERS, project_id)


def request_export(
    connection: Connection, wanted: NewExport, now: datetime, most: MostOpen | None = None
) -> UUID:
    """Ask for an export in the caller's transaction; its id. A schedule's run is asked for once: the second
    time the answer is the first one's id.

    Raises NotPossible when so many are open (None: however many), or when there is no such format.
    """
    formats = REPORT_FORMATS if isinstance(wanted.request, ReportRequest) else EVENT_FORMATS
    if wanted.format not in formats:
        raise NotPossible(f"Not one of {', '.join(formats)}.")
    if most:
        check_open(connection, wanted, most)
    request = msgspec.to_builtins(wanted.request)
    parameters = vars(wanted) | {
        "export_id": uuid4(),
        "kind": request["kind"],
        "request": msgspec.json.encode(request).decode(),
        "permission": wanted.request.permission.value,
        "now": now,
    }
    row = connection.execute(query("export_request"), parameters).fetchone()
    if row is None:
        raise AssertionError("an export that is asked for has an id")
    export_id: UUID = row[0]
    return export_id


def check_open(connection: Connection, wanted: NewExport, most: MostOpen) -> None:
    """Refuse, as NotPossible, what would be too many open exports. Others have to wait until the transaction
    ends."""
    connection.execute(query("project_hold"), {"project_id": wanted.project_id})
    parameters = {"project_id": wanted.project_id, "account_id": wanted.account_id}
    row = connection.execute(query("exports_open"), parameters).fetchone()
    of_project, of_account = row or (0, 0)
    if of_project >= most.of_project:
        raise NotPossible(f"The project has {of_project} exports that are not done; wait for one to end.")
    if wanted.account_id and of_account >= most.of_account:
        raise NotPossible(f"You have {of_account} exports here that are not done; wait for one to end.")


def find_export(connection: Connection, export_id: UUID) -> Export | None:
    """An export."""
    return read_one(connection, "export_find", {"export_id": export_id})


def list_exports(
    connection: Connection, project_id: int, caller: Caller, behind: Place | None, limit: int
) -> list[Export]:
    """At most so many exports of a project that somebody may have, behind a place, the newest first."""
    behind_at, behind_id = behind or (None, None)
    parameters = {
        "project_id": project_id,
        "account_id": caller.account_id,
        "everybodys": administers(caller, project_id),
        "permissions": [permission.value for permission in caller.permissions(project_id)],
        "behind_at": behind_at,
        "behind_id": behind_id,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Export)) as rows:
        return rows.execute(query("exports_page"), parameters).fetchall()


def cancel_export(connection: Connection, export_id: UUID, now: datetime) -> bool:
    """Cancel an export that has not ended; whoever works on it sees it within a second. False when it has."""
    return read_one(connection, "export_cancel", {"export_id": export_id, "now": now}) is not None


def forget_export(connection: Connection, export_id: UUID) -> str | None:
    """Forget an export that has ended; the name of its file, which the workers delete in time."""
    row = connection.execute(query("export_forget"), {"export_id": export_id}).fetchone()
    return row[0] if row else None


def read_one(connection: Connection, name: str, parameters: dict[str, Any]) -> Export | None:
    """The export that a statement gives, if any."""
    with connection.cursor(row_factory=class_row(Export)) as rows:
        return rows.execute(query(name), parameters).fetchone()


def prefix_of(export_id: UUID) -> str:
    """How the names of the files of an export's attempts begin, in the file store."""
    return f"{FOLDER}{export_id}."


def export_store(settings: Settings) -> FileStore:
    """The file store of exports. Raises StartError for a URL of no known kind."""
    return open_file_store(settings.files_url, settings.data / "files")


class FileStoreError(BeatlineError):
    """The file store could not take or give a file; trying again may help."""


@contextmanager
def store_errors(what: str) -> Iterator[None]:
    """Turn whatever a file store raises into FileStoreError: a folder OSError, S3 what boto3 has. That there
    is no such file stays FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        log.warning("file store failed", what=what, error=str(error))
        raise FileStoreError(f"The file store cannot {what} the file: {reason}.") from error


def delete_file(store: FileStore, name: str) -> bool:
    """Delete a file; False when the file store does not do it now."""
    try:
        with store_errors("delete"):
            store.delete(name)
    except FileStoreError:
        return False
    return True
