"""/api/v1/imports: files of events, stored by the workers (REQUIREMENTS I7)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import structlog
from flask import Response, current_app, g, request, url_for
from marshmallow import Schema, fields
from psycopg import Connection

from beatline.events import Reason, utc_now
from beatline.imports import (
    REJECTS,
    UPLOAD,
    Import,
    NewImport,
    RejectsFile,
    begin_import,
    find_import,
    forget_import,
    import_folder,
    import_received,
)
from beatline.ingest.csv_rows import BadFile
from beatline.ingest.event_files import open_events
from collector.api.access import public
from collector.api.schemas import Area
from collector.errors import to_response
from collector.ingest.collect import Collector
from collector.ingest.csv import default_event_type
from collector.ingest.request import Refused, Request, refusal
from collector.services import pooled, reading, services
from collector.uploads import PIECE, receive

log = structlog.get_logger()

blueprint = Area("imports", __name__, url_prefix="/api/v1/imports", description="Files of events")

FILE = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}
UPLOAD_DOC = {
    "parameters": [
        {
            "in": "query",
            "name": "event_type",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
            "description": "For rows that name none.",
        }
    ],
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": FORM, "application/octet-stream": FILE},
        "description": "CSV with a header row, or JSON lines; also gzip. As a form's file, or as the body.",
    },
}


class ImportBegunSchema(Schema):
    """The file is here; a worker reads it."""

    import_id = fields.UUID(required=True)
    status = fields.String(required=True, metadata={"example": "waiting"})
    url = fields.String(required=True, metadata={"description": "Where its progress is."})


class ImportSchema(Schema):
    """How far an import is."""

    import_id = fields.UUID(required=True)
    status = fields.String(required=True, metadata={"enum": ["waiting", "running", "done", "failed"]})
    rows_read = fields.Integer(required=True)
    stored = fields.Integer(required=True)
    duplicates = fields.Integer(
        required=True, metadata={"description": "Rows whose event_id was stored before."}
    )
    rejected = fields.Integer(required=True, metadata={"description": "Rows in rejected.csv, with why."})
    percent = fields.Float(required=True, metadata={"description": "Of the file's bytes."})
    rate = fields.Float(
        required=True, allow_none=True, metadata={"description": "Rows a second since it started."}
    )
    eta_seconds = fields.Float(required=True, allow_none=True, metadata={"description": "Until it is done."})
    error = fields.String(required=True, allow_none=True, metadata={"description": "Why it failed."})
    rejected_url = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    started_at = fields.DateTime(required=True, allow_none=True)
    finished_at = fields.DateTime(required=True, allow_none=True)


@blueprint.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """An upload that is refused, in the one shape of errors."""
    answered = refusal(error, g.request_id)
    response = to_response(answered)
    response.headers.update(answered.headers)
    return response


@blueprint.post("")
@public
@blueprint.doc(**UPLOAD_DOC)
@blueprint.response(202, ImportBegunSchema)
def post_import() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Store a large file of events

    It is received here and stored by a worker: ask the answer's `url` how far it is. Takes a write key as
    every route of events does.
    """
    incoming = Request(request.environ)
    collector = cast(Collector, current_app.extensions["beatline_collector"])
    collector.limits.admit_address(incoming)
    project = collector.authenticate(incoming)
    new = NewImport(uuid4(), project.project_id, default_event_type(incoming), utc_now())
    begin(new)
    with folder_of(new) as folder:
        receive_import(new, folder)
    url = url_for("imports.get_import", import_id=new.import_id)
    return {"import_id": new.import_id, "status": "waiting", "url": url}, 202, {"Location": url}


def begin(new: NewImport) -> None:
    """Enter the import. Raises Refused when the project has too many open ones."""
    most = services().settings.max_open_imports
    with pooled(services().pool) as connection:
        if not begin_import(connection, new, most):
            message = f"The project has {most} imports that are not done."
            raise Refused(429, Reason.RATE_LIMITED, message, retry_after=30)


@contextmanager
def folder_of(new: NewImport) -> Iterator[Path]:
    """The import's folder, which is left behind only when the import is complete. Raises Refused."""
    folder = import_folder(services().settings, new.import_id)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(0o700)
        yield folder
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(Exception), pooled(services().pool) as connection:
            forget_import(connection, new.import_id)
        if isinstance(error, OSError):
            log.exception("import not received", import_id=str(new.import_id))
            message = "The file cannot be kept here now."
            raise Refused(503, "unavailable", message, retry_after=30) from error
        raise


def receive_import(new: NewImport, folder: Path) -> None:
    """Receive the file, look at its header, and let the workers have it. Raises Refused."""
    settings = services().settings
    size = receive(request.environ, folder / UPLOAD, settings.max_import_bytes)
    try:
        with (folder / UPLOAD).open("rb") as file:
            columns = open_events(file, new.event_type, settings.max_event_bytes).columns
    except BadFile as error:
        raise Refused(400, Reason.INVALID, "The file was refused.", error.errors) from None
    rejects_bytes = RejectsFile.create(folder / REJECTS, columns)
    with pooled(services().pool) as connection:
        import_received(connection, new.import_id, size, rejects_bytes)


@blueprint.get("/<uuid:import_id>")
@public
@blueprint.response(200, ImportSchema)
def get_import(import_id: UUID) -> dict[str, Any]:
    """How far is an import?"""
    with reading() as connection:
        return shown(known(connection, import_id))


@blueprint.get("/<uuid:import_id>/rejected.csv")
@public
@blueprint.doc(
    responses={"200": {"description": "CSV", "content": {"text/csv": {"schema": {"type": "string"}}}}}
)
def get_rejected(import_id: UUID) -> Response:
    """The rows that were not stored

    With their numbers and why; up to where the import is. Mended, the file may be sent as it is.
    """
    with reading() as connection:
        found = known(connection, import_id)
    path = import_folder(services().settings, import_id) / REJECTS
    if not path.is_file():
        raise Refused(404, "not_found", "The file is gone.")
    headers = {"Content-Disposition": f'attachment; filename="rejected-{import_id}.csv"'}
    return Response(
        start_of(path, found.rejects_bytes), headers=headers, content_type="text/csv; charset=utf-8"
    )


def start_of(path: Path, size: int) -> Iterator[bytes]:
    """The first bytes of a file, piece by piece."""
    with path.open("rb") as file:
        while size > 0 and (piece := file.read(min(PIECE, size))):
            size -= len(piece)
            yield piece


def known(connection: Connection, import_id: UUID) -> Import:
    """An import. Raises Refused when there is none."""
    found = find_import(connection, import_id)
    if found is None:
        raise Refused(404, "not_found", "There is no such import; an ended one is forgotten in time.")
    return found


def shown(found: Import) -> dict[str, Any]:
    """An import as its answer shows it."""
    share = 1.0 if found.status == "done" else found.bytes_read / max(1, found.file_bytes)
    seconds = (
        ((found.finished_at or utc_now()) - found.started_at).total_seconds() if found.started_at else 0.0
    )
    running = found.status == "running" and share > 0
    return {
        **{name: getattr(found, name) for name in ImportSchema().fields if hasattr(found, name)},
        "percent": round(100 * share, 1),
        "rate": round(found.rows_read / seconds, 1) if seconds > 0 else None,
        "eta_seconds": round(seconds * (1 - share) / share, 1) if running else None,
        "rejected_url": url_for("imports.get_rejected", import_id=found.import_id),
    }
