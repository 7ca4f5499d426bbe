"""/api/v1/projects/<id>/watches: what people want to be told of (docs/watches.md)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import msgspec
from flask import abort
from marshmallow import Schema, fields, validate
from psycopg import Connection
from werkzeug.exceptions import BadRequest

from beatline.accounts.access import Permission
from beatline.audit_log import Change, note
from beatline.errors import NotPossible
from beatline.events import utc_now
from beatline.watches import stored
from beatline.watches.evaluation import try_condition
from beatline.watches.kinds import KINDS, BadCondition, checked_condition
from beatline.watches.kinds.condition import Condition
from beatline.watches.states import State, Verdict
from beatline.watches.stored import Choice, Draft, Watch
from collector.api.access import actor, caller, needs
from collector.api.projects import known_project
from collector.api.schemas import Area, StrictSchema, limit
from collector.services import reading

blueprint = Area(
    "watches",
    __name__,
    url_prefix="/api/v1/projects/<int:project_id>/watches",
    description="Watches: what people want to be told of",
)

NAME_LENGTH = 100
DAY_SECONDS = 86_400
LONGEST_SNOOZE = timedelta(days=366)
BIGGEST_ID = 2**63 - 1
SEVERITIES = ("info", "warning", "critical")
LONGEST_LEVEL = 1e15


def documented(condition: type[Condition]) -> dict[str, Any]:
    """The JSON schema of a kind's struct as OpenAPI 3.0 writes it, which knows no type null."""
    schema: dict[str, Any] = msgspec.json.schema_components([condition])[1][condition.__name__]
    for name, described in schema["properties"].items():
        if "anyOf" in described:
            schema["properties"][name] = described["anyOf"][0] | {"nullable": True, "default": None}
    return schema


CONDITION = {
    "type": "object",
    "description": "What is watched, by its kind.",
    "oneOf": [documented(condition) for condition in KINDS.values()],
    "example": {
        "measure": "events",
        "event_type": "checkout",
        "window_minutes": 15,
        "direction": "below",
        "level": 10,
    },
}


class WatchConditionBody(StrictSchema):
    """A condition of a kind. resolve_level: past which it is over; null: the level at which it fires."""

    kind = fields.String(required=True, validate=validate.OneOf(list(KINDS)))
    condition = fields.Dict(keys=fields.String(), required=True, metadata=CONDITION)
    resolve_level = fields.Float(
        load_default=None, allow_none=True, validate=validate.Range(-LONGEST_LEVEL, LONGEST_LEVEL)
    )


class WatchBody(WatchConditionBody):
    """A watch. shared: it is the project's own, and all of its members are told; for its admins only."""

    name = fields.String(
        required=True,
        validate=[validate.Length(1, NAME_LENGTH), validate.ContainsNoneOf("\0", error="Holds NUL.")],
    )
    severity = fields.String(load_default="warning", validate=validate.OneOf(SEVERITIES))
    minimum_seconds = fields.Integer(
        load_default=0,
        validate=validate.Range(0, DAY_SECONDS),
        metadata={"description": "For which the condition holds before it fires."},
    )
    cool_down_seconds = fields.Integer(
        load_default=300,
        validate=validate.Range(0, DAY_SECONDS),
        metadata={"description": "After an episode, in which nothing fires."},
    )
    enabled = fields.Boolean(load_default=True)
    shared = fields.Boolean(load_default=False)


class WatchSnoozeBody(StrictSchema):
    """Until when nothing is told."""

    until = fields.AwareDateTime(required=True, default_timezone=UTC)


class PageParameters(StrictSchema):
    """A page; cursor is the answer's next_cursor."""

    limit = limit(100, 500)
    cursor = fields.Integer(load_default=None, validate=validate.Range(0, BIGGEST_ID))


class WatchSchema(Schema):
    """A watch and what it is now. own: it is the caller's; may_change: the caller may change it. value: the
    last one, null before the first evaluation; fired_at and peak: of the episode that lasts."""

    watch_id = fields.Integer(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    condition = fields.Dict(keys=fields.String(), required=True)
    resolve_level = fields.Float(required=True, allow_none=True)
    severity = fields.String(required=True, metadata={"enum": list(SEVERITIES)})
    minimum_seconds = fields.Integer(required=True)
    cool_down_seconds = fields.Integer(required=True)
    enabled = fields.Boolean(required=True)
    shared = fields.Boolean(required=True)
    own = fields.Boolean(required=True)
    may_change = fields.Boolean(required=True)
    snoozed_until = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    state = fields.String(required=True, metadata={"enum": list(State)})
    since = fields.DateTime(required=True)
    value = fields.Float(required=True, allow_none=True)
    evaluated_at = fields.DateTime(required=True, allow_none=True)
    fired_at = fields.DateTime(required=True, allow_none=True)
    peak = fields.Float(required=True, allow_none=True)


class WatchesSchema(Schema):
    """A page of watches, the oldest first."""

    watches = fields.List(fields.Nested(WatchSchema), required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


class WatchEpisodeSchema(Schema):
    """A time that a watch fired. resolved_at is null while it does; peak: the value furthest from good;
    notified: that it fires was told."""

    episode_id = fields.Integer(required=True)
    watch_id = fields.Integer(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    severity = fields.String(required=True)
    fired_at = fields.DateTime(required=True)
    resolved_at = fields.DateTime(required=True, allow_none=True)
    ended_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"enum": ["resolved", "changed", "disabled", "stopped", None]},
    )
    value = fields.Float(required=True)
    peak = fields.Float(required=True)
    notified = fields.Boolean(required=True)


class WatchHistorySchema(Schema):
    """A page of episodes, the newest first."""

    episodes = fields.List(fields.Nested(WatchEpisodeSchema), required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


class WatchTrialSchema(Schema):
    """What a condition comes to now, and whether it would begin to hold."""

    value = fields.Float(required=True)
    would_fire = fields.Boolean(required=True)


@blueprint.get("")
@needs(Permission.WATCH)
@blueprint.arguments(PageParameters, location="query")
@blueprint.response(200, WatchesSchema)
def get_watches(page: dict[str, Any], project_id: int) -> dict[str, Any]:
    """One's own watches and the project's; admins of the project see everybody's"""
    with reading() as connection:
        known_project(connection, project_id)
        found = stored.read_watches(connection, visible(project_id), page["cursor"], page["limit"])
    last = found[-1].watch_id if len(found) == page["limit"] else None
    return {"watches": [shown(watch) for watch in found], "next_cursor": last}


@blueprint.post("")
@needs(Permission.WATCH)
@blueprint.arguments(WatchBody)
@blueprint.response(201, WatchSchema)
@blueprint.alt_response(409, description="There are too many watches")
def post_watch(body: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Watch something"""
    now = utc_now()
    with reading() as connection, connection.transaction():
        known_project(connection, project_id)
        draft = checked_draft(body, project_id, None)
        try:
            watch_id = stored.create_watch(connection, project_id, draft, now)
        except NotPossible as error:
            abort(409, str(error))
        made = known_watch(connection, project_id, watch_id)
        note_watch(connection, "watch made", None, made)
    return shown(made)


@blueprint.get("/history")
@needs(Permission.WATCH)
@blueprint.arguments(PageParameters, location="query")
@blueprint.response(200, WatchHistorySchema)
def get_history(page: dict[str, Any], project_id: int) -> dict[str, Any]:
    """When the watches fired that one may see, the newest first"""
    with reading() as connection:
        known_project(connection, project_id)
        return history(connection, project_id, None, page)


@blueprint.post("/test")
@needs(Permission.WATCH)
@blueprint.arguments(WatchConditionBody)
@blueprint.response(200, WatchTrialSchema)
def try_out(body: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Try a condition on the numbers of now; nothing is stored"""
    condition = checked(body)
    expect_permission(condition, project_id)
    with reading() as connection:
        known_project(connection, project_id)
        result = try_condition(connection, project_id, condition, body["resolve_level"], utc_now())
    return {"value": result.value, "would_fire": result.verdict is Verdict.BREACHED}


@blueprint.get("/<int:watch_id>")
@needs(Permission.WATCH)
@blueprint.response(200, WatchSchema)
def get_watch(project_id: int, watch_id: int) -> dict[str, Any]:
    """One watch"""
    with reading() as connection:
        return shown(known_watch(connection, project_id, watch_id))


@blueprint.put("/<int:watch_id>")
@needs(Permission.WATCH)
@blueprint.arguments(WatchBody)
@blueprint.response(200, WatchSchema)
@blueprint.alt_response(409, description="There are too many watches")
def put_watch(body: dict[str, Any], project_id: int, watch_id: int) -> dict[str, Any]:
    """Change a watch; when it watches something else, it begins anew"""
    with reading() as connection, connection.transaction():
        before = own_watch(connection, project_id, watch_id)
        draft = checked_draft(body, project_id, before)
        try:
            stored.change_watch(connection, before, draft, utc_now())
        except NotPossible as error:
            abort(409, str(error))
        after = known_watch(connection, project_id, watch_id)
        note_watch(connection, "watch changed", before, after)
    return shown(after)


@blueprint.delete("/<int:watch_id>")
@needs(Permission.WATCH)
@blueprint.response(204)
def delete_watch(project_id: int, watch_id: int) -> None:
    """Forget a watch and its history"""
    with reading() as connection, connection.transaction():
        watch = own_watch(connection, project_id, watch_id)
        stored.delete_watch(connection, watch, utc_now())
        note_watch(connection, "watch deleted", watch, None)


@blueprint.post("/<int:watch_id>/snooze")
@needs(Permission.WATCH)
@blueprint.arguments(WatchSnoozeBody)
@blueprint.response(200, WatchSchema)
def snooze_watch(body: dict[str, Any], project_id: int, watch_id: int) -> dict[str, Any]:
    """Have nothing told of a watch until a time; it goes on being evaluated"""
    until: datetime = body["until"]
    if not utc_now() < until <= utc_now() + LONGEST_SNOOZE:
        refuse({"until": [f"Has to be in the future, at most {LONGEST_SNOOZE.days} days."]})
    return snoozed(project_id, watch_id, until)


@blueprint.delete("/<int:watch_id>/snooze")
@needs(Permission.WATCH)
@blueprint.response(200, WatchSchema)
def end_snooze(project_id: int, watch_id: int) -> dict[str, Any]:
    """Be told again; of an episode that lasts, at once"""
    return snoozed(project_id, watch_id, None)


@blueprint.get("/<int:watch_id>/history")
@needs(Permission.WATCH)
@blueprint.arguments(PageParameters, location="query")
@blueprint.response(200, WatchHistorySchema)
def get_history_of_watch(page: dict[str, Any], project_id: int, watch_id: int) -> dict[str, Any]:
    """When a watch fired, the newest first"""
    with reading() as connection:
        known_watch(connection, project_id, watch_id)
        return history(connection, project_id, watch_id, page)


def history(
    connection: Connection, project_id: int, watch_id: int | None, page: dict[str, Any]
) -> dict[str, Any]:
    """A page of episodes of one watch, or of all that the caller may see."""
    found = stored.read_history(connection, visible(project_id), watch_id, page["cursor"], page["limit"])
    last = found[-1]["episode_id"] if len(found) == page["limit"] else None
    return {"episodes": found, "next_cursor": last}


def snoozed(project_id: int, watch_id: int, until: datetime | None) -> dict[str, Any]:
    """Snooze a watch, or end its snooze."""
    with reading() as connection, connection.transaction():
        before = own_watch(connection, project_id, watch_id)
        stored.snooze_watch(connection, watch_id, until)
        after = known_watch(connection, project_id, watch_id)
        note_watch(connection, "watch snoozed" if until else "snooze of a watch ended", before, after)
    return shown(after)


def administers(project_id: int) -> bool:
    """Whether the caller may change the project's watches, and everybody's."""
    return caller().may(Permission.WRITE_MEMBERS, project_id)


def visible(project_id: int) -> Choice:
    """The watches that the caller may see."""
    return Choice(project_id, caller().account_id, administers(project_id))


def may_change(watch: Watch) -> bool:
    """Whether the caller may change a watch."""
    return is_own(watch) or administers(watch.project_id)


def is_own(watch: Watch) -> bool:
    """Whether a watch is the caller's."""
    return watch.account_id is not None and watch.account_id == caller().account_id


def known_watch(connection: Connection, project_id: int, watch_id: int) -> Watch:
    """A watch that the caller may see, or 404."""
    found = stored.find_watch(connection, visible(project_id), watch_id)
    return found or abort(404, "There is no such watch.")


def own_watch(connection: Connection, project_id: int, watch_id: int) -> Watch:
    """A watch that the caller may change, held until the transaction ends; 404 or 403."""
    stored.hold_watch(connection, watch_id)
    found = known_watch(connection, project_id, watch_id)
    if not may_change(found):
        abort(403, "Only those who administer the project may change its watches.")
    return found


def checked(body: dict[str, Any]) -> Condition:
    """The condition that was sent, or 400."""
    try:
        return checked_condition(body["kind"], body["condition"], body["resolve_level"])
    except BadCondition as error:
        refuse(error.faults)


def expect_permission(condition: Condition, project_id: int) -> None:
    """403 when the caller may not read what a condition tells of."""
    if not caller().may(condition.permission, project_id):
        abort(403, f"{caller().name} may not watch this.")


def checked_draft(body: dict[str, Any], project_id: int, before: Watch | None) -> Draft:
    """What was sent as a watch: the project's own, that of whose it was, or the caller's. 400 or 403."""
    condition = checked(body)
    expect_permission(condition, project_id)
    shared = body.pop("shared")
    if shared and not administers(project_id):
        abort(403, "Only those who administer the project may share a watch.")
    owner = before.account_id if before and before.account_id else caller().account_id
    if not shared and owner is None:
        refuse({"shared": ["Has to be true: nobody is signed in whose watch it could be."]})
    return Draft(account_id=None if shared else owner, **body | {"condition": msgspec.to_builtins(condition)})


def note_watch(connection: Connection, action: str, before: Watch | None, after: Watch | None) -> None:
    """Note in the audit log what was done to the project's watches, or to somebody else's."""
    touched = [watch for watch in (before, after) if watch]
    if all(is_own(watch) for watch in touched):
        return
    was, new = (noted(watch) if watch else None for watch in (before, after))
    change = Change(action, touched[-1].name, touched[-1].project_id, was, new)
    note(connection, actor(), change, utc_now())


def noted(watch: Watch) -> dict[str, Any]:
    """What people said of a watch, for the audit log."""
    names = [*Draft.__dataclass_fields__, "watch_id", "snoozed_until"]
    return {name: getattr(watch, name) for name in names}


def shown(watch: Watch) -> dict[str, Any]:
    """A watch as its caller may see it."""
    of_caller = {"own": is_own(watch), "may_change": may_change(watch), "shared": watch.account_id is None}
    return vars(watch) | of_caller


def refuse(errors: dict[str, Any]) -> NoReturn:
    """400 with what is wrong."""
    refusal = BadRequest("The request was refused.")
    refusal.data = {"messages": {"json": errors}}  # type: ignore[attr-defined]
    raise refusal
