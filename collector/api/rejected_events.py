"""/api/v1/projects/<id>/rejected-events: shown, dismissed, replayed (docs/catalogue.md)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from flask import abort
from marshmallow import Schema, fields, validate

from beatline import rejected_events
from beatline.accounts.access import Permission
from beatline.audit_log import Change, note
from beatline.errors import Overloaded, StorageError
from beatline.events import Event, Reason, utc_now
from beatline.rejected_events import REPLAYED_AT_ONCE, Choice, Replay
from beatline.storage.writer import Outcome, Submission
from collector.api.access import actor, needs
from collector.api.catalogue import known_mode
from collector.api.schemas import Area, StrictSchema, limit
from collector.ingest.collect import EVENT_OVERHEAD
from collector.services import reading, services

blueprint = Area(
    "rejected_events",
    __name__,
    url_prefix="/api/v1/projects/<int:project_id>/rejected-events",
    description="Events of otherwise good requests that were refused",
)

BIGGEST_ID = 2**63 - 1


def identifier(**options: Any) -> fields.Integer:
    """The id of a rejected event, or one to begin behind."""
    return fields.Integer(validate=validate.Range(0, BIGGEST_ID), **options)


def some_text(longest: int, about: str) -> fields.String:
    """A text to choose by."""
    return fields.String(
        load_default=None,
        validate=[validate.Length(1, longest), validate.ContainsNoneOf("\0", error="Holds NUL.")],
        metadata={"description": about},
    )


class ChoiceParameters(StrictSchema):
    """Which rejected events; absent: all."""

    reason = fields.String(load_default=None, validate=validate.OneOf(list(Reason)))
    source = some_text(50, "The route they came by: batch, segment, …")
    event_type = some_text(128, "Known of those only that could be read.")
    since = fields.AwareDateTime(load_default=None, default_timezone=UTC)


class PageParameters(ChoiceParameters):
    """A page of them, the newest first; cursor is the answer's next_cursor."""

    limit = limit(50, 500)
    cursor = identifier(load_default=None)


class ReplayBody(ChoiceParameters):
    """Which ones to replay: those of ids, or all that pass the rest; after is the answer's next, limit
    how many to come to at most."""

    ids = fields.List(identifier(), load_default=None, validate=validate.Length(1, REPLAYED_AT_ONCE))
    after = identifier(load_default=0)
    limit = limit(REPLAYED_AT_ONCE, REPLAYED_AT_ONCE)


class RejectedEventSchema(Schema):
    """A rejected event; raw is what came, at most its first 1,000 characters. Replayable are those that were
    understood and not stored since."""

    id = fields.Integer(required=True, attribute="rejected_id")
    received_at = fields.DateTime(required=True)
    source = fields.String(required=True)
    reason = fields.String(required=True)
    event_type = fields.String(required=True, allow_none=True)
    errors = fields.Dict(required=True)
    raw = fields.String(required=True)
    replayable = fields.Function(
        lambda row: row["understood"] and row["replayed_at"] is None, metadata={"type": "boolean"}
    )
    replayed_at = fields.DateTime(required=True, allow_none=True)


class WholeRejectedEventSchema(RejectedEventSchema):
    """All that is kept of a rejected event; event is how it would be stored."""

    event = fields.Dict(required=True, allow_none=True)


class RejectedEventsSchema(Schema):
    """A page of rejected events, and how many there are of each reason."""

    rejected_events = fields.List(fields.Nested(RejectedEventSchema), required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class StillRefusedSchema(Schema):
    """An event that does not fit yet."""

    id = fields.Integer(required=True)
    errors = fields.Dict(required=True)


class ReplaySchema(Schema):
    """What came of a replay: how many are stored now, which do not fit yet, which cannot be replayed (not
    understood, stored before, or unknown), how many it has not come to, and what to go on with."""

    replayed = fields.Integer(required=True)
    still_refused = fields.List(fields.Nested(StillRefusedSchema), required=True)
    not_replayable = fields.List(fields.Integer(), required=True)
    remaining = fields.Integer(required=True)
    next = fields.Integer(required=True, allow_none=True)


@blueprint.get("")
@needs(Permission.READ_REJECTED)
@blueprint.arguments(PageParameters, location="query")
@blueprint.response(200, RejectedEventsSchema)
def get_rejected_events(parameters: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Rejected events, the newest first"""
    most, cursor = parameters.pop("limit"), parameters.pop("cursor")
    choice = Choice(project_id, **parameters)
    with reading() as connection:
        known_mode(connection, project_id)
        page = rejected_events.read_page(connection, choice, cursor, most)
        counts = rejected_events.count_reasons(connection, choice)
    last = page[-1]["rejected_id"] if len(page) == most else None
    return {"rejected_events": page, "next_cursor": last, "counts": counts}


@blueprint.get("/<int:rejected_id>")
@needs(Permission.READ_REJECTED)
@blueprint.response(200, WholeRejectedEventSchema)
def get_rejected_event(project_id: int, rejected_id: int) -> dict[str, Any]:
    """All that is kept of a rejected event"""
    with reading() as connection:
        row = rejected_events.find_rejected(connection, project_id, rejected_id)
    if row is None:
        abort(404, "There is no such rejected event.")
    return row


@blueprint.delete("/<int:rejected_id>")
@needs(Permission.WRITE_REJECTED)
@blueprint.response(204)
def delete_rejected_event(project_id: int, rejected_id: int) -> None:
    """Dismiss a rejected event"""
    with reading() as connection, connection.transaction():
        if not rejected_events.dismiss(connection, project_id, rejected_id):
            abort(404, "There is no such rejected event.")
        note(connection, actor(), Change("rejected event dismissed", str(rejected_id), project_id), utc_now())


@blueprint.post("/replay")
@needs(Permission.WRITE_REJECTED)
@blueprint.arguments(ReplayBody)
@blueprint.response(200, ReplaySchema)
def replay_rejected_events(body: dict[str, Any], project_id: int) -> Replay:
    """Store rejected events that fit the catalogue now, each once"""
    with reading() as connection:
        known_mode(connection, project_id)
        project = services().projects.refresh().projects[project_id]
        choice = Choice(project_id, **body)
        result = rejected_events.replay(connection, choice, project.catalogue, store, utc_now())
        change = Change("rejected events replayed", "rejected events", project_id, body, result)
        note(connection, actor(), change, utc_now())
    return result


def store(events: list[Event]) -> list[tuple[Event, dict[str, list[str]]]]:
    """Store events through the writer; those that the database refuses for good, and why. Raises StorageError
    unless the others are safe."""
    size = sum(len(bytes(event.properties)) + EVENT_OVERHEAD for event in events)
    submission = Submission(events, [], size)
    try:
        services().writer.submit(submission)
    except Overloaded as error:
        raise StorageError(str(error), permanent=False) from None
    if not submission.wait(services().settings.acknowledge_seconds):
        raise StorageError("the events were not stored in time", permanent=False)
    if submission.outcome is Outcome.UNAVAILABLE:
        raise StorageError("storage is away", permanent=False)
    return [(event, {"event": [str(error)]}) for event, error in submission.refused]
