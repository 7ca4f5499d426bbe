"""/api/v1/projects/<id>/event-types and /catalogue: what events must look like (docs/catalogue.md)."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import abort
from marshmallow import Schema, fields, validate
from psycopg import Connection
from werkzeug.exceptions import BadRequest

from beatline import catalogue_admin
from beatline.accounts.access import Permission
from beatline.audit_log import Change, note
from beatline.catalogue import Mode
from beatline.catalogue_admin import EventType
from beatline.errors import NotPossible
from beatline.event_schema import BadSchema, compile_schema, complaints, schema_text
from beatline.events import utc_now
from beatline.ingest.pipeline import MAX_NESTING, nesting
from beatline.ingest.wire import TYPE_LENGTH
from collector.api.access import actor, needs
from collector.api.schemas import Area, StrictSchema
from collector.services import reading, services

blueprint = Area(
    "catalogue",
    __name__,
    url_prefix="/api/v1/projects/<int:project_id>",
    description="The catalogue: what events of each type must look like",
)

JSON_SCHEMA = {"description": "JSON Schema, draft 2020-12: an object, true or false; null takes anything."}


class CatalogueSchema(StrictSchema):
    """What becomes of events that do not fit: off: nobody looks. flag: stored, with $schema_errors. enforce:
    refused."""

    mode = fields.String(required=True, validate=validate.OneOf(list(Mode)))


class EventTypeBody(StrictSchema):
    """What events of a type must look like."""

    schema = fields.Raw(required=True, allow_none=True, metadata=JSON_SCHEMA)
    description = fields.String(
        load_default="",
        validate=[validate.Length(max=1_000), validate.ContainsNoneOf("\0", error="Holds NUL.")],
    )


class ListedTypeSchema(Schema):
    """An event type; builtin: the project has no schema of its own for it."""

    event_type = fields.String(required=True)
    description = fields.String(required=True)
    builtin = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True, allow_none=True)
    updated_at = fields.DateTime(required=True, allow_none=True)


class EventTypeSchema(ListedTypeSchema):
    """An event type with its schema."""

    schema = fields.Raw(required=True, allow_none=True, metadata=JSON_SCHEMA)


class EventTypesSchema(Schema):
    """Event types by name."""

    event_types = fields.List(fields.Nested(ListedTypeSchema), required=True)


class ExampleBody(StrictSchema):
    """An event to try, and a schema; without one, that of the catalogue."""

    properties = fields.Dict(keys=fields.String(), required=True)
    page_url = fields.String(load_default=None, allow_none=True)
    schema = fields.Raw(allow_none=True, metadata=JSON_SCHEMA)


class VerdictSchema(Schema):
    """Whether the event fits, and what is wrong with it."""

    fits = fields.Boolean(required=True)
    errors = fields.Dict(required=True)


@blueprint.url_value_preprocessor
def without_last_slash(_: str | None, values: dict[str, Any] | None) -> None:
    """Event types may hold slashes; the one at the end of a path means nothing, as everywhere."""
    if values and "event_type" in values:
        values["event_type"] = values["event_type"].removesuffix("/")


@blueprint.get("/catalogue")
@needs(Permission.READ_CATALOGUE)
@blueprint.response(200, CatalogueSchema)
def get_catalogue(project_id: int) -> dict[str, str]:
    """What becomes of events that do not fit their schema"""
    with reading() as connection:
        return {"mode": known_mode(connection, project_id)}


@blueprint.put("/catalogue")
@needs(Permission.WRITE_CATALOGUE)
@blueprint.arguments(CatalogueSchema)
@blueprint.response(200, CatalogueSchema)
def put_catalogue(body: dict[str, str], project_id: int) -> dict[str, str]:
    """Say what becomes of events that do not fit their schema"""
    with reading() as connection, connection.transaction():
        before = {"mode": known_mode(connection, project_id)}
        catalogue_admin.set_mode(connection, project_id, Mode(body["mode"]))
        note(
            connection,
            actor(),
            Change("catalogue mode set", "catalogue", project_id, before, body),
            utc_now(),
        )
    services().projects.refresh()
    return body


@blueprint.get("/event-types")
@needs(Permission.READ_CATALOGUE)
@blueprint.response(200, EventTypesSchema)
def get_event_types(project_id: int) -> dict[str, list[EventType]]:
    """The event types that are described, built-in ones included"""
    with reading() as connection:
        known_mode(connection, project_id)
        return {"event_types": catalogue_admin.list_types(connection, project_id)}


@blueprint.get("/event-types/<path:event_type>")
@needs(Permission.READ_CATALOGUE)
@blueprint.response(200, EventTypeSchema)
def get_event_type(project_id: int, event_type: str) -> EventType:
    """What events of a type must look like"""
    with reading() as connection:
        known_mode(connection, project_id)
        return known_type(connection, project_id, event_type)


@blueprint.put("/event-types/<path:event_type>")
@needs(Permission.WRITE_CATALOGUE)
@blueprint.arguments(EventTypeBody)
@blueprint.response(200, EventTypeSchema)
def put_event_type(body: dict[str, Any], project_id: int, event_type: str) -> EventType:
    """Say what events of a type must look like"""
    if len(event_type) > TYPE_LENGTH or "\0" in event_type:
        refuse({"event_type": [f"1 to {TYPE_LENGTH} characters, none of them NUL."]})
    with reading() as connection, connection.transaction():
        known_mode(connection, project_id)
        before = catalogue_admin.find_type(connection, project_id, event_type)
        try:
            catalogue_admin.put_type(connection, project_id, EventType(event_type, **body), utc_now())
        except BadSchema as error:
            refuse({error.place: [error.message]})
        except NotPossible as error:
            refuse({"event_type": [str(error)]})
        described = known_type(connection, project_id, event_type)
        note_type(connection, project_id, "event type described", before, described)
    services().projects.refresh()
    return described


@blueprint.delete("/event-types/<path:event_type>")
@needs(Permission.WRITE_CATALOGUE)
@blueprint.response(204)
def delete_event_type(project_id: int, event_type: str) -> None:
    """Forget an event type; a built-in one is again what it was"""
    with reading() as connection, connection.transaction():
        known_mode(connection, project_id)
        before = catalogue_admin.find_type(connection, project_id, event_type)
        if before is None or not catalogue_admin.delete_type(connection, project_id, event_type):
            abort(404, "The project does not describe this event type.")
        note_type(connection, project_id, "event type forgotten", before, None)
    services().projects.refresh()


@blueprint.post("/event-types/<path:event_type>/check")
@needs(Permission.READ_CATALOGUE)
@blueprint.arguments(ExampleBody)
@blueprint.response(200, VerdictSchema)
def check_event_type(body: dict[str, Any], project_id: int, event_type: str) -> dict[str, Any]:
    """Try an event, and a schema; nothing is stored"""
    with reading() as connection:
        known_mode(connection, project_id)
        if "schema" not in body:
            body["schema"] = known_type(connection, project_id, event_type).schema
    if nesting(body["properties"]) > MAX_NESTING:
        refuse({"properties": [f"Nested over {MAX_NESTING} levels."]})
    if body["schema"] is None:
        return {"fits": True, "errors": {}}
    try:
        schema = compile_schema(schema_text(body["schema"]))
    except BadSchema as error:
        refuse({error.place: [error.message]})
    errors = complaints(schema, body["properties"], body["page_url"])
    return {"fits": not errors, "errors": errors}


def note_type(
    connection: Connection, project_id: int, action: str, before: EventType | None, after: EventType | None
) -> None:
    """Note a change of an event type in the audit log, with its schemas."""
    was, new = ({"schema": each.schema} if each else None for each in (before, after))
    (name,) = {each.event_type for each in (before, after) if each}
    note(connection, actor(), Change(action, name, project_id, was, new), utc_now())


def known_mode(connection: Connection, project_id: int) -> Mode:
    """The mode of a project; 404 when there is none."""
    mode = catalogue_admin.read_mode(connection, project_id)
    if mode is None:
        abort(404, "There is no such project.")
    return mode


def known_type(connection: Connection, project_id: int, event_type: str) -> EventType:
    """An event type of the catalogue; 404 when there is none."""
    found = catalogue_admin.find_type(connection, project_id, event_type)
    return found or abort(404, "The catalogue does not describe this event type.")


def refuse(errors: dict[str, list[str]]) -> NoReturn:
    """400 with what is wrong."""
    refusal = BadRequest("The request was refused.")
    refusal.data = {"messages": {"json": errors}}  # type: ignore[attr-defined]
    raise refusal
