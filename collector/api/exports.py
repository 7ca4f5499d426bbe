"""/api/v1/projects/<id>/exports: files of events and reports, made by the workers (docs/exports.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, BinaryIO
from uuid import UUID

import msgspec
from flask import Response, abort, url_for
from flask_smorest import abort as refuse
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from psycopg import Connection
from werkzeug.exceptions import TooManyRequests

from beatline.accounts.access import Permission
from beatline.audit_log import Change, note
from beatline.errors import NotPossible
from beatline.events import utc_now
from beatline.exports import (
    EVENT_FORMATS,
    REPORT_FORMATS,
    EventsRequest,
    Export,
    FileStoreError,
    MostOpen,
    NewExport,
    Place,
    ReportRequest,
    Request,
    administers,
    cancel_export,
    delete_file,
    find_export,
    forget_export,
    list_exports,
    request_export,
    store_errors,
)
from beatline.file_store import FileStore, open_file_store
from beatline.reports.definition import Conditions, problems
from beatline.reports.periods import Period
from beatline.reports.saved import Draft
from beatline.reports.words import title_words
from collector.api.access import actor, caller, needs, public
from collector.api.cursors import Cursor, cursor_of
from collector.api.event_filters import TimeParameters
from collector.api.export_links import LIFETIME, export_of_link, link_token
from collector.api.projects import known_project
from collector.api.report_definitions import ConditionsSchema, DefinitionSchema, PeriodSchema
from collector.api.reports import LARGEST_ID, check_visible, known_report
from collector.api.schemas import Area, StrictSchema, limit
from collector.api.tokens import app_keys
from collector.services import reading, services

blueprint = Area(
    "exports",
    __name__,
    url_prefix="/api/v1/projects/<int:project_id>/exports",
    description="Files of events and reports, made by the workers",
)
downloads = Area("downloads", __name__, url_prefix="/api/v1/exports", description="Their download")

PIECE = 256 * 2**10
DOWNLOADS_AT_ONCE = 8  # in one process: each holds one of its threads for as long as its client reads
RETRY_SECONDS = 30
TOKEN_LENGTH = 2_000
downloads_left = BoundedSemaphore(DOWNLOADS_AT_ONCE)

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
}
ASKED = {
    "events": {"since", "until", "filters"},
    "report": {"report_id", "definition", "period"},
}
FILES = {name.partition(";")[0]: {"schema": {"type": "string"}} for name in CONTENT_TYPES.values()}


class ExportBody(TimeParameters):
    """What to export. events: those of [since, until) that pass the filters; absent: all. report: a saved one
    by its id, or a definition; with another period, if one is given."""

    kind = fields.String(required=True, validate=validate.OneOf(list(ASKED)))
    format = fields.String(required=True, validate=validate.OneOf(REPORT_FORMATS))
    filters = fields.Nested(ConditionsSchema, load_default=dict)
    report_id = fields.Integer(strict=True, validate=validate.Range(1, LARGEST_ID))
    definition = fields.Nested(DefinitionSchema)
    period = fields.Nested(PeriodSchema)

    @validates_schema(pass_original=True)
    def has_its_fields(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> None:
        """Refuse what the kind does not take."""
        others = original.keys() & set().union(*ASKED.values()) - ASKED[data["kind"]]
        wrong = {name: [f"An export of kind {data['kind']} takes none."] for name in sorted(others)}
        if data["kind"] == "events" and data["format"] not in EVENT_FORMATS:
            wrong["format"] = [f"Must be one of: {', '.join(EVENT_FORMATS)}."]
        if data["kind"] == "report" and ("report_id" in data) == ("definition" in data):
            wrong["report_id"] = ["Either this or a definition."]
        if wrong:
            raise ValidationError(wrong)


class ExportsParameters(StrictSchema):
    """A page of exports."""

    limit = limit(50, 200)
    cursor = Cursor(Place)


class DeleteParameters(StrictSchema):
    """What may be deleted."""

    only_open = fields.Boolean(
        load_default=False,
        metadata={"description": "Only cancel: one that has ended meanwhile keeps its file."},
    )


class LinkParameters(StrictSchema):
    """The link's token."""

    token = fields.String(required=True, validate=validate.Length(1, TOKEN_LENGTH))


class ExportSchema(Schema):
    """An export. rows_expected may be a guess; percent is 100 only when it is done. error: why it failed, or
    why its last attempt did. expires_at: until when the file is kept."""

    export_id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"enum": list(ASKED)})
    format = fields.String(required=True, metadata={"enum": list(REPORT_FORMATS)})
    title = fields.String(required=True, metadata={"description": "`Events`, or as the report is called."})
    request = fields.Dict(required=True, metadata={"description": "What was asked for."})
    account_id = fields.UUID(required=True, allow_none=True)
    schedule_id = fields.Integer(required=True, allow_none=True)
    state = fields.String(
        required=True,
        metadata={"enum": ["waiting", "running", "done", "failed", "cancelled", "expired"]},
    )
    percent = fields.Float(required=True)
    rows_written = fields.Integer(required=True)
    rows_expected = fields.Integer(required=True, allow_none=True)
    bytes = fields.Integer(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    requested_at = fields.DateTime(required=True)
    started_at = fields.DateTime(required=True, allow_none=True)
    ended_at = fields.DateTime(required=True, allow_none=True)
    expires_at = fields.DateTime(required=True, allow_none=True)


class LinkedExportSchema(ExportSchema):
    """An export, with a link to its file when it is done. Whoever has the link may download the file until
    link_expires_at; ask again for another one."""

    link = fields.String(required=True, allow_none=True)
    link_expires_at = fields.DateTime(required=True, allow_none=True)


class ExportsSchema(Schema):
    """Exports, the newest first."""

    exports = fields.List(fields.Nested(ExportSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@blueprint.post("")
@needs(Permission.READ_REPORTS)
@blueprint.arguments(ExportBody)
@blueprint.response(202, ExportSchema)
@blueprint.alt_response(429, description="Too many exports are not done")
def post_export(wanted: dict[str, Any], project_id: int) -> tuple[Export, int, dict[str, str]]:
    """Have a file made

    Ask the answer's `Location` how far it is. Events need events:read; reports what running them needs.
    """
    settings, now = services().settings, utc_now()
    most = MostOpen(settings.max_open_exports, settings.max_open_exports_per_account)
    with reading() as connection, connection.transaction():
        known_project(connection, project_id)
        request = asked_request(connection, project_id, wanted)
        new = NewExport(project_id, request, wanted["format"], caller().account_id)
        try:
            export_id = request_export(connection, new, now, most)
        except NotPossible as error:
            raise TooManyRequests(str(error), retry_after=RETRY_SECONDS) from None
        export = known_export(connection, project_id, export_id)
        note(connection, actor(), change_of("export requested", export), now)
    url = url_for("exports.get_export", project_id=project_id, export_id=export_id)
    return export, 202, {"Location": url}


@blueprint.get("")
@needs(Permission.READ_REPORTS)
@blueprint.arguments(ExportsParameters, location="query")
@blueprint.response(200, ExportsSchema)
def get_exports(parameters: dict[str, Any], project_id: int) -> dict[str, Any]:
    """One's own exports, and those that one is a recipient of; of admins of the project all"""
    most = parameters["limit"]
    with reading() as connection:
        known_project(connection, project_id)
        found = list_exports(connection, project_id, caller(), parameters["cursor"], most)
    return {
        "exports": found,
        "next_cursor": cursor_of(found[-1].place if len(found) == most else None),
    }


@blueprint.get("/<uuid:export_id>")
@needs(Permission.READ_REPORTS)
@blueprint.response(200, LinkedExportSchema)
def get_export(project_id: int, export_id: UUID) -> dict[str, Any]:
    """How far is an export, and where is its file?"""
    with reading() as connection:
        export = known_export(connection, project_id, export_id)
    shown: dict[str, Any] = ExportSchema().dump(export)
    link, now = None, utc_now()
    if export.state == "done":
        link = url_for("downloads.download", token=link_token(export_id, app_keys(), now))
    return {
        **{name: getattr(export, name) for name in shown},
        "link": link,
        "link_expires_at": now + LIFETIME if link else None,
    }


@blueprint.delete("/<uuid:export_id>")
@needs(Permission.READ_REPORTS)
@blueprint.arguments(DeleteParameters, location="query")
@blueprint.response(204)
@blueprint.alt_response(409, description="It has ended, and only_open was asked for")
def delete_export(parameters: dict[str, bool], project_id: int, export_id: UUID) -> None:
    """Cancel an export, or delete one that has ended, and its file"""
    now, file_name = utc_now(), None
    with reading() as connection, connection.transaction():
        export = known_export(connection, project_id, export_id)
        if export.account_id != caller().account_id and not administers(caller(), project_id):
            abort(403, "Only who asked for it and admins may delete it.")
        if cancel_export(connection, export_id, now):
            action = "export cancelled"
        elif parameters["only_open"]:
            abort(409, "It has ended meanwhile.")
        else:
            action, file_name = "export deleted", forget_export(connection, export_id)
        note(connection, actor(), change_of(action, export), now)
    if file_name:
        delete_file(file_store(), file_name)


@downloads.get("/download")
@public
@downloads.arguments(LinkParameters, location="query")
@downloads.doc(responses={"200": {"description": "The file", "content": FILES}})
@downloads.alt_response(404, description="The link is over or none of ours, or the file is gone")
@downloads.alt_response(429, description="Too many downloads at once")
def download(parameters: dict[str, Any]) -> Response:
    """The file of an export, by its link"""
    export_id = export_of_link(parameters["token"], app_keys())
    if export_id is None:
        abort(404, "The link is over, or none of ours; ask for a new one.")
    with reading() as connection:
        export = find_export(connection, export_id)
    if export is None or export.state != "done" or export.file_name is None:
        abort(404, "The file is not there any more.")
    if not downloads_left.acquire(blocking=False):
        abort(429, "Too many downloads at once; try again when one has ended.")
    try:
        return as_download(export, opened(export.file_name))
    except BaseException:
        downloads_left.release()
        raise


def opened(name: str) -> BinaryIO:
    """A file of the file store; 404 when it is gone, 503 when the file store does not answer."""
    try:
        with store_errors("give"):
            return file_store().open(name)
    except FileNotFoundError:
        abort(404, "The file is not there any more.")
    except FileStoreError as error:
        abort(503, str(error))


def as_download(export: Export, file: BinaryIO) -> Response:
    """A file as an answer, piece by piece."""

    def pieces() -> Iterator[bytes]:
        while piece := file.read(PIECE):
            yield piece

    def close() -> None:
        downloads_left.release()
        file.close()

    response = Response(pieces(), content_type=CONTENT_TYPES[export.format])
    response.call_on_close(close)
    response.headers["Content-Length"] = str(export.bytes)
    response.headers["Content-Disposition"] = f'attachment; filename="{export.download_name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def file_store() -> FileStore:
    """Where the files of exports are."""
    settings = services().settings
    return kept_file_store(settings.files_url, settings.data / "files")


@lru_cache
def kept_file_store(url: str | None, folder: Path) -> FileStore:
    """A file store, made once: S3's client takes long to make."""
    return open_file_store(url, folder)


def asked_request(connection: Connection, project_id: int, wanted: dict[str, Any]) -> Request:
    """What a body asks for. Refuses with 403 who may not see it, with 404 a report that is not there."""
    if wanted["kind"] == "events":
        if not caller().may(Permission.READ_EVENTS, project_id):
            abort(403, f"{caller().name} needs events:read.")
        filters = msgspec.convert(wanted["filters"], Conditions)
        return EventsRequest(wanted["since"], wanted["until"], filters)
    if "report_id" in wanted:
        report = known_report(connection, project_id, wanted["report_id"])
        name, definition, for_viewers = report.name, report.definition, report.for_viewers
    else:
        definition, for_viewers = wanted["definition"], False
        check_visible(project_id, Draft("", definition))
        name = title_words(definition)
    now = utc_now()
    if "period" in wanted:  # viewers may have the saved report as it is, but not look closer
        for_viewers = False
        check_visible(project_id, Draft("", definition))
        definition = msgspec.structs.replace(definition, period=msgspec.convert(wanted["period"], Period))
        if found := problems(definition, now):
            refuse(422, messages={"json": found})
    return ReportRequest(name, definition, now, for_viewers)


def known_export(connection: Connection, project_id: int, export_id: UUID) -> Export:
    """An export of the project that the caller may have; 404 for any other, so that ids tell nothing."""
    found = find_export(connection, export_id)
    if found is None or found.project_id != project_id or not found.may_be_had_by(caller()):
        abort(404, "There is no such export; an ended one is forgotten in time.")
    return found


def change_of(action: str, export: Export) -> Change:
    """A change for the audit log."""
    what = {"export_id": str(export.export_id), "format": export.format, "request": export.request}
    return Change(action, export.title, export.project_id, after=what)
