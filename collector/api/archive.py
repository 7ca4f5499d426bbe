"""/api/v1/archive: which days are archived (docs/archive.md)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any, NamedTuple

from marshmallow import Schema, fields, validate

from beatline.accounts.access import Permission
from beatline.archive.days import STATES, ArchivedDay, DayPlace, list_days
from collector.api.access import needs
from collector.api.cursors import Cursor, cursor_of
from collector.api.schemas import Area, StrictSchema, limit
from collector.services import reading

blueprint = Area("archive", __name__, url_prefix="/api/v1/archive", description="Archived days of raw events")


class Place(NamedTuple):
    """Where a page begins, as a cursor has it."""

    at: datetime
    project_id: int


class ArchiveParameters(StrictSchema):
    """A page of days."""

    project_id = fields.Integer(
        load_default=None, validate=validate.Range(1, 2**31 - 1), metadata={"description": "Of this project."}
    )
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    limit = limit(100, 1_000)
    cursor = Cursor(Place)


class ArchivedDaySchema(Schema):
    """A UTC day of a project. events and bytes are those of the archive."""

    project_id = fields.Integer(required=True)
    day = fields.Date(required=True)
    state = fields.String(
        required=True,
        metadata={
            "enum": list(STATES),
            "description": "waiting: not archived yet. verified: archived, and read back. stale: events came "
            "since. damaged: cannot be read back; error says why. empty: was dropped before it was archived.",
        },
    )
    generation = fields.Integer(required=True)
    events = fields.Integer(required=True)
    bytes = fields.Integer(required=True)
    checksum = fields.String(
        required=True, allow_none=True, metadata={"description": "SHA-256 of the manifest."}
    )
    archived_at = fields.DateTime(required=True, allow_none=True)
    verified_at = fields.DateTime(required=True, allow_none=True)
    dropped_at = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Since when it is in the archive only."}
    )
    held_until = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Restored; retention leaves it until then."}
    )
    error = fields.String(required=True, allow_none=True)


class ArchiveSchema(Schema):
    """A page of days, the youngest first."""

    days = fields.List(fields.Nested(ArchivedDaySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@blueprint.get("")
@needs(Permission.READ_JOBS)
@blueprint.arguments(ArchiveParameters, location="query")
@blueprint.response(200, ArchiveSchema)
def get_archive(parameters: dict[str, Any]) -> dict[str, Any]:
    """Days of events and how they are archived, the youngest first"""
    most, behind = parameters["limit"], parameters["cursor"]
    place = DayPlace(behind.at.astimezone(UTC).date(), behind.project_id) if behind else None
    with reading() as connection:
        days = list_days(connection, parameters["project_id"], parameters["state"], place, most)
    return {"days": days, "next_cursor": next_page(days[-1]) if len(days) == most else None}


def next_page(last: ArchivedDay) -> str | None:
    """The cursor of what comes after a day."""
    return cursor_of(Place(datetime.combine(last.day, time(), UTC), last.project_id))
