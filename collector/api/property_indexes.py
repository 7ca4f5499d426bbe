"""/api/v1/projects/<id>/property-indexes: indexes on properties, made on request (docs/event-log.md)."""

from __future__ import annotations

from typing import Any

from flask import abort
from marshmallow import Schema, ValidationError, fields

from beatline import property_indexes
from beatline.accounts.access import Permission
from beatline.audit_log import Change, note
from beatline.errors import NotPossible
from beatline.events import utc_now
from beatline.property_indexes import PropertyIndex
from beatline.property_paths import LENGTH, format_path, parse_path
from collector.api.access import actor, needs
from collector.api.projects import known_project
from collector.api.schemas import Area, StrictSchema
from collector.services import reading

blueprint = Area(
    "property_indexes",
    __name__,
    url_prefix="/api/v1/projects/<int:project_id>/property-indexes",
    description="Indexes on properties, made on request",
)


def is_path(text: str) -> None:
    """Refuse what names no property."""
    try:
        parse_path(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class PropertyIndexBody(StrictSchema):
    """The property to index, nested ones with dots."""

    property = fields.String(
        required=True, validate=is_path, metadata={"example": "plan", "minLength": 1, "maxLength": LENGTH}
    )


class PropertyIndexSchema(Schema):
    """An index on a property. It is used once it is ready; error says why it failed."""

    index_id = fields.Integer(required=True)
    property = fields.Function(
        lambda index: format_path(index.path), required=True, metadata={"type": "string"}
    )
    state = fields.String(required=True, metadata={"enum": ["building", "ready", "failed", "dropping"]})
    requested_at = fields.DateTime(required=True)
    ready_at = fields.DateTime(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)


class PropertyIndexesSchema(Schema):
    """The indexes of a project, the oldest first."""

    property_indexes = fields.List(fields.Nested(PropertyIndexSchema), required=True)


@blueprint.get("")
@needs(Permission.READ_CATALOGUE)
@blueprint.response(200, PropertyIndexesSchema)
def get_property_indexes(project_id: int) -> dict[str, Any]:
    """The indexes on properties"""
    with reading() as connection:
        known_project(connection, project_id)
        return {"property_indexes": property_indexes.list_indexes(connection, project_id)}


@blueprint.post("")
@needs(Permission.WRITE_CATALOGUE)
@blueprint.arguments(PropertyIndexBody)
@blueprint.response(202, PropertyIndexSchema)
@blueprint.alt_response(409, description="There is one, or there are too many")
def post_property_index(wanted: dict[str, str], project_id: int) -> PropertyIndex:
    """Ask for an index on a property; a worker builds it while events are written"""
    now = utc_now()
    with reading() as connection, connection.transaction():
        known_project(connection, project_id)
        try:
            made = property_indexes.request_index(connection, project_id, parse_path(wanted["property"]), now)
        except NotPossible as error:
            abort(409, str(error))
        change = Change("property index asked for", wanted["property"], project_id, after=wanted)
        note(connection, actor(), change, now)
    return made


@blueprint.delete("/<int:index_id>")
@needs(Permission.WRITE_CATALOGUE)
@blueprint.response(202, PropertyIndexSchema)
def delete_property_index(project_id: int, index_id: int) -> PropertyIndex:
    """Have an index dropped"""
    with reading() as connection, connection.transaction():
        found = property_indexes.drop_index(connection, project_id, index_id)
        if found is None:
            abort(404, "There is no such index.")
        name = format_path(found.path)
        note(connection, actor(), Change("property index dropped", name, project_id), utc_now())
    return found
