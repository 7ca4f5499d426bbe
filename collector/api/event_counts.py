"""/analytics/: how many events there were in a range of days (REQUIREMENTS A3, A4)."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from beatline.accounts.access import Permission
from beatline.analytics.event_counts import event_count, event_counts_by_type
from beatline.events import utc_now
from collector.api.access import needs
from collector.api.cached import PAST_SECONDS, ROLLING_SECONDS, cached
from collector.api.schemas import Area, ProjectParameters
from collector.services import reading

blueprint = Area("event_counts", __name__, url_prefix="/analytics", description="Counts over days")

COUNTS_BY_TYPE = {
    "application/json": {
        "schema": {"type": "object", "additionalProperties": {"type": "integer"}},
        "example": {"view": 123, "click": 45},
    }
}
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


def day(description: str, default: date) -> fields.Date:
    """An ISO day."""
    return fields.Date(
        load_default=default,
        metadata={"description": f"ISO day in UTC, {description}.", "example": "2025-05-01"},
    )


class Days(ProjectParameters):
    """A range of UTC days, both inclusive."""

    start_date = day("the first one; absent: from the beginning", FIRST_DAY)
    end_date = day("the last one; absent: to the end", LAST_DAY)

    @validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a range that ends before it starts."""
        if data["end_date"] < data["start_date"]:
            raise ValidationError("Before start_date.", "end_date")


class EventCountParameters(Days):
    """A range of days and a type."""

    event_type = fields.String(
        load_default=None,
        validate=[validate.Length(1, 128), validate.ContainsNoneOf("\0", error="Holds NUL.")],
        metadata={"description": "Absent: all types."},
    )


class EventCountSchema(Schema):
    """How many events."""

    total_events = fields.Integer(required=True)


def staleness(parameters: dict[str, Any]) -> float:
    """How old counts may be, in seconds: days that are over hardly change."""
    return PAST_SECONDS if parameters["end_date"] < utc_now().date() else ROLLING_SECONDS


@blueprint.get("/event-counts")
@needs(Permission.READ_NUMBERS)
@blueprint.arguments(EventCountParameters, location="query")
@cached(staleness)
@blueprint.response(200, EventCountSchema)
def get_event_count(parameters: dict[str, Any]) -> dict[str, int]:
    """How many events there were, of one type or of all"""
    start, end = parameters["start_date"], parameters["end_date"]
    with reading() as connection:
        events = event_count(connection, parameters["project_id"], start, end, parameters["event_type"])
    return {"total_events": events}


@blueprint.get("/event-counts-by-type")
@needs(Permission.READ_NUMBERS)
@blueprint.arguments(Days, location="query")
@blueprint.doc(responses={"200": {"description": "OK", "content": COUNTS_BY_TYPE}})
@cached(staleness)
def get_event_counts_by_type(parameters: dict[str, Any]) -> dict[str, int]:
    """How many events there were of each type; {} when there were none"""
    with reading() as connection:
        return event_counts_by_type(
            connection, parameters["project_id"], parameters["start_date"], parameters["end_date"]
        )
