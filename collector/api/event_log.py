"""/api/v1/events: the event log, and its export (docs/event-log.md)."""

from __future__ import annotations

from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Any

import msgspec
import structlog
from flask import Response, abort, g
from marshmallow import Schema, fields, validate
from psycopg_pool import ConnectionPool

from beatline.accounts.access import Permission
from beatline.analytics import event_export
from beatline.analytics.event_export import Lines
from beatline.analytics.event_log import Filter, Page, Place, search
from beatline.analytics.event_totals import total
from beatline.errors import StorageError
from beatline.events import utc_now
from collector.answers import error_body
from collector.api.access import needs
from collector.api.cursors import Cursor, cursor_of
from collector.api.event_filters import FilterParameters, filter_of, search_budget
from collector.api.schemas import Area, ProjectParameters, limit
from collector.services import pooled, reading, services

blueprint = Area("event_log", __name__, url_prefix="/api/v1/events", description="The events themselves")

log = structlog.get_logger()

EXPORT_PAGE = 1_000
BROKEN_OFF = "The export broke off here: the database is away."
EXPORTS_AT_ONCE = 4  # in one process: each holds one of its threads for as long as its client reads
exports_left = BoundedSemaphore(EXPORTS_AT_ONCE)

FORMATS: dict[str, tuple[Lines, bytes, str]] = {
    "ndjson": (event_export.ndjson, b"", "application/x-ndjson"),
    "csv": (event_export.csv_rows, event_export.csv_header(), "text/csv; charset=utf-8"),
}
FILES = {
    "application/x-ndjson": {"schema": {"type": "string"}},
    "text/csv": {"schema": {"type": "string"}},
}


class PageParameters(FilterParameters):
    """A page of events."""

    limit = limit(50, 500)
    cursor = Cursor(Place)


class EventLogParameters(ProjectParameters, PageParameters):
    """A page of a project's events."""


class ExportParameters(ProjectParameters, FilterParameters):
    """Which events, and as what."""

    format = fields.String(load_default="ndjson", validate=validate.OneOf(list(FORMATS)))


class StoredEventSchema(Schema):
    """An event as it is stored."""

    event_id = fields.UUID(required=True)
    ts = fields.DateTime(required=True)
    received_at = fields.DateTime(required=True)
    event_type = fields.String(required=True)
    user_id = fields.String(required=True, allow_none=True)
    anonymous_id = fields.String(required=True, allow_none=True)
    session_id = fields.String(required=True, allow_none=True)
    device_id = fields.String(required=True, allow_none=True)
    page_url = fields.String(required=True, allow_none=True)
    app_version = fields.String(required=True, allow_none=True)
    os_name = fields.String(required=True, allow_none=True)
    os_version = fields.String(required=True, allow_none=True)
    properties = fields.Dict(required=True)


class TotalSchema(Schema):
    """How many events pass the filter; exact, or about so many."""

    events = fields.Integer(required=True)
    exact = fields.Boolean(required=True)


class EventLogSchema(Schema):
    """Events, the newest first. searched_until is set when the search was cut short: what is older was not
    looked at yet, next_cursor goes on there. total comes with the first page only."""

    events = fields.List(fields.Nested(StoredEventSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    searched_until = fields.DateTime(required=True, allow_none=True)
    total = fields.Nested(TotalSchema, required=True, allow_none=True)


@blueprint.get("")
@needs(Permission.READ_EVENTS)
@blueprint.arguments(EventLogParameters, location="query")
@blueprint.response(200, EventLogSchema)
def get_events(parameters: dict[str, Any]) -> Response:
    """Events that pass a filter, the newest first"""
    return answer_page(filter_of(parameters["project_id"], parameters), parameters)


def answer_page(wanted: Filter, parameters: dict[str, Any]) -> Response:
    """A page of the event log as an answer. Encoded by msgspec: five hundred events are too many for
    marshmallow."""
    behind: Place | None = parameters["cursor"]
    with reading() as connection:
        page = search(connection, wanted, behind, parameters["limit"], search_budget())
        counted = total(connection, wanted, behind, page)
    content = {
        "events": page.events,
        "next_cursor": cursor_of(page.next),
        "searched_until": page.searched_until,
        "total": counted._asdict() if counted else None,
    }
    return Response(msgspec.json.encode(content), content_type="application/json")


@blueprint.get("/export")
@needs(Permission.READ_EVENTS)
@blueprint.arguments(ExportParameters, location="query")
@blueprint.doc(responses={"200": {"description": "The events, the newest first", "content": FILES}})
@blueprint.alt_response(429, description="Too many exports at once")
def export_events(parameters: dict[str, Any]) -> Response:
    """All events that pass a filter, as a file

    At most as many as the header X-Export-Limit says.
    """
    wanted = filter_of(parameters["project_id"], parameters)
    if not exports_left.acquire(blocking=False):
        abort(429, "Too many exports run at once; try again when one has ended.")
    try:
        return export(wanted, parameters["format"])
    except BaseException:
        exports_left.release()
        raise


def export(wanted: Filter, name: str) -> Response:
    """The answer of an export. Its first page is read at once, so that what goes wrong is told as an
    error."""
    lines, header, content_type = FORMATS[name]
    most, pool = services().settings.export_events, services().pool
    pages = export_pages(pool, wanted, most)
    first, request_id = next(pages), g.request_id

    def content() -> Iterator[bytes]:
        yield header + lines(first.events)
        try:
            for page in pages:
                yield lines(page.events)
        except StorageError as error:
            log.warning("export broke off", error=str(error), request_id=request_id)
            yield broken_off(name, request_id)

    response = Response(content(), content_type=content_type)
    response.call_on_close(exports_left.release)
    filename = f"events-{wanted.project_id}-{utc_now():%Y%m%dT%H%M%SZ}.{name}"
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Export-Limit"] = str(most)
    return response


def broken_off(name: str, request_id: str) -> bytes:
    """The last line of an export that could not be read to its end. The status has been sent long ago, and
    servers end the body as if it were whole; so the file itself has to say it."""
    error = error_body("unavailable", BROKEN_OFF, request_id)
    if name == "csv":
        return event_export.csv_text([[f"{BROKEN_OFF} ({request_id})"]])
    return msgspec.json.encode(error) + b"\n"


def export_pages(pool: ConnectionPool, wanted: Filter, most: int) -> Iterator[Page]:
    """Every page, the newest first, up to so many events. Between two pages no connection is held, so a
    client that reads slowly or hangs up holds nothing; a page without events shows the server that we still
    search."""
    behind: Place | None = None
    left = most
    while left:
        page = with_connection(pool, wanted, behind, min(left, EXPORT_PAGE))
        yield page
        left -= len(page.events)
        behind = page.next
        if behind is None:
            return


def with_connection(pool: ConnectionPool, wanted: Filter, behind: Place | None, rows: int) -> Page:
    """One page, on a connection of the pool."""
    with pooled(pool) as connection:
        return search(connection, wanted, behind, rows, search_budget())
