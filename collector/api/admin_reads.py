"""/api/v1/analytics/admin: events, sessions and aggregates for administrators (REQUIREMENTS A6)."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from beatline.accounts.access import Permission
from beatline.analytics.event_counts import (
    BucketChoice,
    BucketPlace,
    event_count,
    event_counts_by_type,
    read_buckets,
)  # fmt: skip
from beatline.analytics.sessions import SessionChoice, SessionPlace, read_sessions
from collector.api.access import needs
from collector.api.cursors import Cursor, cursor_of
from collector.api.event_counts import EventCountParameters
from collector.api.event_filters import TimeParameters, event_types, filter_of, text
from collector.api.event_log import EventLogParameters, EventLogSchema, answer_page
from collector.api.schemas import Area, ProjectParameters, limit
from collector.services import reading

blueprint = Area(
    "admin_reads", __name__, url_prefix="/api/v1/analytics/admin", description="Reads for admins"
)


class CountsSchema(Schema):
    """Events of some days, in all and by type."""

    total_events = fields.Integer(required=True)
    by_type = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class SessionParameters(ProjectParameters, TimeParameters):
    """A page of sessions, last seen in [since, until)."""

    user_id = text(200, "Of this user or anonymous id.")
    limit = limit(50, 500)
    cursor = Cursor(SessionPlace)


class SessionSchema(Schema):
    """A session; session_id is empty for events that named none."""

    user_id = fields.String(required=True, metadata={"description": "Or an anonymous id."})
    session_id = fields.String(required=True)
    started_at = fields.DateTime(required=True)
    last_seen_at = fields.DateTime(required=True)
    ended_at = fields.DateTime(
        required=True, allow_none=True,
        metadata={"description": "Null until it was ended, or not seen for 30 minutes."},
    )  # fmt: skip
    events = fields.Integer(required=True)


class SessionsSchema(Schema):
    """Sessions, the last seen first."""

    sessions = fields.List(fields.Nested(SessionSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AggregateParameters(ProjectParameters, TimeParameters):
    """A page of counts."""

    unit = fields.String(load_default="hour", validate=validate.OneOf(["minute", "hour", "day"]))
    event_type = event_types()
    limit = limit(100, 1_000)
    cursor = Cursor(BucketPlace)


class AggregateSchema(Schema):
    """The events of a type in a minute, an hour or a day that begins at bucket."""

    bucket = fields.DateTime(required=True)
    event_type = fields.String(required=True)
    events = fields.Integer(required=True)


class AggregatesSchema(Schema):
    """Counts, the newest first."""

    unit = fields.String(required=True)
    aggregates = fields.List(fields.Nested(AggregateSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@blueprint.get("/events/")
@needs(Permission.READ_EVENTS)
@blueprint.arguments(EventLogParameters, location="query")
@blueprint.response(200, EventLogSchema)
def get_admin_events(parameters: dict[str, Any]) -> Response:
    """Events that pass a filter, the newest first"""
    return answer_page(filter_of(parameters["project_id"], parameters), parameters)


@blueprint.get("/events/event_counts/")
@needs(Permission.READ_EVENTS)
@blueprint.arguments(EventCountParameters, location="query")
@blueprint.response(200, CountsSchema)
def get_admin_event_counts(parameters: dict[str, Any]) -> dict[str, Any]:
    """Events of a range of days, in all and by type"""
    project_id, event_type = parameters["project_id"], parameters["event_type"]
    days = parameters["start_date"], parameters["end_date"]
    with reading() as connection:
        by_type = event_counts_by_type(connection, project_id, *days)
        counted = event_count(connection, project_id, *days, event_type)
    chosen = {name: events for name, events in by_type.items() if event_type in (None, name)}
    return {"total_events": counted, "by_type": chosen}


@blueprint.get("/sessions/")
@needs(Permission.READ_EVENTS)
@blueprint.arguments(SessionParameters, location="query")
@blueprint.response(200, SessionsSchema)
def get_admin_sessions(parameters: dict[str, Any]) -> dict[str, Any]:
    """Sessions, the last seen first"""
    user_id = parameters["user_id"]
    choice = SessionChoice(
        parameters["project_id"], [user_id] if user_id else None, parameters["since"], parameters["until"]
    )
    return sessions_page(choice, parameters)


def sessions_page(choice: SessionChoice, parameters: dict[str, Any]) -> dict[str, Any]:
    """A page of sessions as an answer."""
    with reading() as connection:
        found = read_sessions(connection, choice, parameters["cursor"], parameters["limit"])
    full = len(found) == parameters["limit"]
    return {"sessions": found, "next_cursor": cursor_of(found[-1].place) if full else None}


@blueprint.get("/event-aggregates/")
@needs(Permission.READ_EVENTS)
@blueprint.arguments(AggregateParameters, location="query")
@blueprint.response(200, AggregatesSchema)
def get_admin_aggregates(parameters: dict[str, Any]) -> dict[str, Any]:
    """Events by type of minutes, hours or days, the newest first"""
    unit, most = parameters["unit"], parameters["limit"]
    choice = BucketChoice(
        parameters["project_id"], unit, parameters["since"], parameters["until"], parameters["event_type"]
    )
    with reading() as connection:
        found = read_buckets(connection, choice, parameters["cursor"], most)
    last = BucketPlace(found[-1].bucket, found[-1].event_type) if len(found) == most else None
    return {"unit": unit, "aggregates": found, "next_cursor": cursor_of(last)}
