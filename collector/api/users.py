"""/api/v1/projects/<id>/users: who events are about (docs/event-log.md)."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Response, abort
from marshmallow import Schema, fields
from psycopg import Connection

from beatline.accounts.access import Permission
from beatline.analytics import users
from beatline.analytics.sessions import SessionChoice, SessionPlace
from beatline.analytics.users import UserChoice, UserDetails, UserPlace, find_user, find_users
from collector.api.access import needs
from collector.api.admin_reads import SessionsSchema, sessions_page
from collector.api.cursors import Cursor, cursor_of
from collector.api.event_filters import filter_of, search_budget, text
from collector.api.event_log import EventLogSchema, PageParameters, answer_page
from collector.api.projects import known_project
from collector.api.schemas import Area, StrictSchema, limit
from collector.services import reading

blueprint = Area(
    "users",
    __name__,
    url_prefix="/api/v1/projects/<int:project_id>/users",
    description="Who events are about",
)


class UsersParameters(StrictSchema):
    """A page of users; all, or those that a text finds."""

    search = text(200, "The id begins so, or a trait has it in it, in whatever case.")
    limit = limit(50, 500)
    cursor = Cursor(UserPlace)


class UserSessionsParameters(StrictSchema):
    """A page of sessions."""

    limit = limit(50, 500)
    cursor = Cursor(SessionPlace)


class UserSchema(Schema):
    """A user; last_seen_at is at most a minute old."""

    user_id = fields.String(required=True)
    first_seen_at = fields.DateTime(required=True)
    last_seen_at = fields.DateTime(required=True)
    traits = fields.Dict(required=True)


class UsersSchema(Schema):
    """Users, the last seen first. searched_until is set when the search was cut short; next_cursor goes on
    there."""

    users = fields.List(fields.Nested(UserSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    searched_until = fields.DateTime(required=True, allow_none=True)


class GroupSchema(Schema):
    """A group that the user named, as it was described last."""

    group_type = fields.String(required=True)
    group_key = fields.String(required=True)
    first_seen_at = fields.DateTime(required=True)
    last_seen_at = fields.DateTime(required=True)
    traits = fields.Dict(required=True)


class UserDetailsSchema(UserSchema):
    """All that is known of a user. known is false for an anonymous id that no user was found behind."""

    known = fields.Boolean(required=True)
    sessions = fields.Integer(required=True)
    events = fields.Integer(required=True)
    aliases = fields.List(
        fields.String(), required=True, metadata={"description": "Anonymous ids of theirs."}
    )
    groups = fields.List(fields.Nested(GroupSchema), required=True)


@blueprint.get("")
@needs(Permission.READ_EVENTS)
@blueprint.arguments(UsersParameters, location="query")
@blueprint.response(200, UsersSchema)
def get_users(parameters: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Users, the last seen first"""
    wanted, behind, most = parameters["search"], parameters["cursor"], parameters["limit"]
    with reading() as connection:
        known_project(connection, project_id)
        page = find_users(connection, UserChoice(project_id, wanted), behind, most, search_budget())
    return page._asdict() | {"next_cursor": cursor_of(page.next)}


@blueprint.get("/<path:user_id>")
@needs(Permission.READ_EVENTS)
@blueprint.response(200, UserDetailsSchema)
def get_user(project_id: int, user_id: str) -> UserDetails:
    """All that is known of a user"""
    with reading() as connection:
        return known_user(connection, project_id, user_id)


@blueprint.get("/<path:user_id>/sessions")
@needs(Permission.READ_EVENTS)
@blueprint.arguments(UserSessionsParameters, location="query")
@blueprint.response(200, SessionsSchema)
def get_user_sessions(parameters: dict[str, Any], project_id: int, user_id: str) -> dict[str, Any]:
    """The sessions of a user, also those from before they were known, the last seen first"""
    return sessions_page(SessionChoice(project_id, persons_of(project_id, user_id)), parameters)


@blueprint.get("/<path:user_id>/events")
@needs(Permission.READ_EVENTS)
@blueprint.arguments(PageParameters, location="query")
@blueprint.response(200, EventLogSchema)
def get_user_events(parameters: dict[str, Any], project_id: int, user_id: str) -> Response:
    """The events of a user, also those from before they were known, the newest first"""
    return answer_page(filter_of(project_id, parameters, persons=persons_of(project_id, user_id)), parameters)


def known_user(connection: Connection, project_id: int, user_id: str) -> UserDetails:
    """A user, or 404."""
    if "\0" in user_id:
        nobody()
    return find_user(connection, project_id, user_id, search_budget()) or nobody()


def persons_of(project_id: int, user_id: str) -> list[str]:
    """The ids that a user acted under."""
    if "\0" in user_id:
        nobody()
    with reading() as connection:
        return users.persons(connection, project_id, user_id)


def nobody() -> NoReturn:
    """404."""
    abort(404, "Nobody was seen with this id.")
