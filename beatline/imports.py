"""Imports of files of events: what is known of one, and where its files lie.

The collector puts a file into <data>/imports/<id> and an entry into the table; a worker reads it from there,
so both need the same BEATLINE_DATA. What a worker does with it is in workers/imports.py.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from beatline.events import Reason
from beatline.ingest.csv_rows import REASON, ROW
from beatline.settings import Settings
from beatline.storage.queries import query

UPLOAD, REJECTS = "upload", "rejected.csv"
Errors = dict[str, Any]


@dataclass(frozen=True)
class Import:
    """An import as its table has it (sql/migrations/0007_imports)."""

    import_id: UUID
    project_id: int
    status: str
    event_type: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    worked_at: datetime | None
    attempts: int
    file_bytes: int
    bytes_read: int
    lines_read: int
    rows_read: int
    stored: int
    duplicates: int
    rejected: int
    rejects_bytes: int
    error: str | None


class NewImport(NamedTuple):
    """An import as it begins; event_type is for rows that name none."""

    import_id: UUID
    project_id: int
    event_type: str | None
    created_at: datetime


def imports_folder(settings: Settings) -> Path:
    """Where the folders of all imports are."""
    return settings.data / "imports"


def import_folder(settings: Settings, import_id: UUID) -> Path:
    """Where the files of an import are."""
    return imports_folder(settings) / str(import_id)


def begin_import(connection: Connection, new: NewImport, most_open: int) -> bool:
    """Enter an import whose file is being received; false when the project has so many open ones."""
    with connection.transaction():
        connection.execute(query("project_hold"), {"project_id": new.project_id})
        parameters = {**new._asdict(), "most_open": most_open}
        return connection.execute(query("import_begin"), parameters).rowcount == 1


def import_received(connection: Connection, import_id: UUID, file_bytes: int, rejects_bytes: int) -> None:
    """Let the workers have an import: its file and that of its rejected rows are complete on disk."""
    parameters = {"import_id": import_id, "file_bytes": file_bytes, "rejects_bytes": rejects_bytes}
    connection.execute(query("import_received"), parameters)


def find_import(connection: Connection, import_id: UUID) -> Import | None:
    """An import whose file was received."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(query("import_find"), {"import_id": import_id}).fetchone()


def list_imports(connection: Connection, project_id: int, limit: int) -> list[Import]:
    """The newest imports of a project."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(
            query("imports_of_project"), {"project_id": project_id, "limit": limit}
        ).fetchall()


def forget_import(connection: Connection, import_id: UUID) -> None:
    """Take an import out of the table."""
    connection.execute(query("import_forget"), {"import_id": import_id})


@dataclass(frozen=True)
class RejectedRow:
    """A row that is not stored: its number (1 for the first below the header), its cells, and why."""

    number: int
    cells: list[str]
    reason: Reason
    errors: Errors


class RejectsFile:
    """The file of the rejected rows. What lies behind the place that was saved with the last chunk is of an
    attempt that was stopped, and is written over."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("r+b")

    @staticmethod
    def create(path: Path, columns: list[str]) -> int:
        """Make the file, with a header; how many bytes it has."""
        header = csv_text([[ROW, REASON, *columns]])
        write_synced(path, header)
        return len(header)

    def write(self, place: int, rows: Iterable[RejectedRow]) -> int:
        """Write rows at a place and cut off what follows; the place after them."""
        written = csv_text([row.number, explained(row.reason, row.errors), *row.cells] for row in rows)
        self.file.seek(place)
        self.file.truncate()
        if written:
            self.file.write(written)
            self.file.flush()
            os.fsync(self.file.fileno())
        return place + len(written)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def csv_text(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as CSV in UTF-8."""
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def explained(reason: Reason, errors: Errors) -> str:
    """Why a row was rejected, in one line."""
    return f"{reason}: {'; '.join(messages(errors))}"


def messages(errors: Any, path: str = "") -> list[str]:
    """Nested errors as `field.field: message`."""
    if isinstance(errors, dict):
        return [text for name, inner in errors.items() for text in messages(inner, f"{path}.{name}")]
    if isinstance(errors, list):
        return [text for inner in errors for text in messages(inner, path)]
    return [f"{path.removeprefix('.')}: {errors}"]


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that survives a power cut once this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
