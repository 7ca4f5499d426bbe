"""/api/v1/account: one's own account: profile, password, login sessions, API tokens (docs/accounts.md)."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from flask import abort
from marshmallow import Schema, fields, validate

from beatline.accounts import api_tokens, people
from beatline.accounts.access import Permission
from beatline.accounts.login_sessions import end_login, end_logins, list_logins
from beatline.audit_log import Change, note
from beatline.errors import NotPossible
from beatline.events import utc_now
from beatline.projects import read_directory
from collector.api.access import account_of, actor, caller, login_of, signed_in
from collector.api.schemas import Area, StrictSchema
from collector.services import reading

blueprint = Area("account", __name__, url_prefix="/api/v1/account", description="One's own account")


class ProjectAccessSchema(Schema):
    """A project, and what the account may do in it."""

    project_id = fields.Integer(required=True)
    name = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)


class AccountSchema(Schema):
    """Who is signed in; permissions are those in the installation as a whole."""

    account_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)
    projects = fields.List(fields.Nested(ProjectAccessSchema), required=True)


class ProfileBody(StrictSchema):
    """What one may change of oneself: nothing about roles."""

    name = fields.String(required=True, validate=[validate.Length(0, 200), validate.ContainsNoneOf("\0")])


class PasswordBody(StrictSchema):
    """The password of now, and the one to come."""

    current = fields.String(required=True, validate=validate.Length(1, 256), load_only=True)
    new = fields.String(required=True, validate=validate.Length(1, 256), load_only=True)


class LoginSessionSchema(Schema):
    """Where the account is signed in; current is the session that asks."""

    login_id = fields.UUID(required=True)
    created_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True)
    ip_address = fields.String(required=True)
    user_agent = fields.String(required=True)
    current = fields.Boolean(required=True)


class LoginSessionsSchema(Schema):
    """The latest used first."""

    login_sessions = fields.List(fields.Nested(LoginSessionSchema), required=True)


class ApiTokenSchema(Schema):
    """An API token, without its text."""

    token_id = fields.UUID(required=True)
    name = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    created_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    last_used_at = fields.DateTime(required=True, allow_none=True)


class ApiTokensSchema(Schema):
    """The newest first."""

    tokens = fields.List(fields.Nested(ApiTokenSchema), required=True)


class NewApiTokenSchema(Schema):
    """A new token with its text, which is shown this once."""

    token_id = fields.UUID(required=True)
    token = fields.String(required=True)


class ApiTokenBody(StrictSchema):
    """What a token is for, what it may at most, and until when; it never may more than its account."""

    name = fields.String(required=True, validate=[validate.Length(1, 200), validate.ContainsNoneOf("\0")])
    scopes = fields.List(
        fields.Enum(Permission, by_value=True), required=True, validate=validate.Length(1, len(Permission))
    )
    expires_at = fields.AwareDateTime(load_default=None, default_timezone=UTC)


@blueprint.get("")
@signed_in
@blueprint.response(200, AccountSchema)
def get_account() -> dict[str, Any]:
    """Who is signed in, and what they may do where"""
    asking = caller()
    with reading() as connection:
        account = people.find_account(connection, account_of(asking)) or abort(404)
        known = read_directory(connection).projects.values()
    projects = [
        {"project_id": project.project_id, "name": project.name, "permissions": permissions}
        for project in sorted(known, key=lambda project: project.project_id)
        if (permissions := sorted(asking.permissions(project.project_id)))
    ]
    return vars(account) | {"permissions": sorted(asking.permissions()), "projects": projects}


@blueprint.patch("")
@signed_in
@blueprint.arguments(ProfileBody)
@blueprint.response(204)
def change_profile(profile: dict[str, Any]) -> None:
    """Change one's name"""
    with reading() as connection:
        people.set_name(connection, account_of(caller()), profile["name"])


@blueprint.put("/password")
@signed_in
@blueprint.arguments(PasswordBody)
@blueprint.response(204)
def change_password(given: dict[str, Any]) -> None:
    """Change one's password; all other login sessions end"""
    asking, now = caller(), utc_now()
    with reading() as connection, connection.transaction():
        if people.check_password(connection, asking.name, given["current"]) is None:
            abort(400, "The current password is wrong.")
        try:
            people.set_password(connection, account_of(asking), given["new"], now)
        except NotPossible as error:
            abort(400, str(error))
        end_logins(connection, account_of(asking), "password", now, but=login_of(asking))
        note(connection, actor(), Change("password changed", asking.name), now)


@blueprint.get("/logins")
@signed_in
@blueprint.response(200, LoginSessionsSchema)
def get_logins() -> dict[str, Any]:
    """Where one is signed in"""
    asking = caller()
    with reading() as connection:
        known = list_logins(connection, account_of(asking), utc_now())
    rows = [vars(login) | {"current": login.login_id == asking.login_id} for login in known]
    return {"login_sessions": rows}


@blueprint.delete("/logins/<uuid:login_id>")
@signed_in
@blueprint.response(204)
def revoke_login(login_id: UUID) -> None:
    """End a login session of one's own"""
    now = utc_now()
    with reading() as connection:
        if login_id not in {login.login_id for login in list_logins(connection, account_of(caller()), now)}:
            abort(404, "There is no such login session.")
        end_login(connection, login_id, "revoked", now)


@blueprint.get("/tokens")
@signed_in
@blueprint.response(200, ApiTokensSchema)
def get_tokens() -> dict[str, Any]:
    """One's API tokens"""
    with reading() as connection:
        return {"tokens": api_tokens.list_tokens(connection, account_of(caller()))}


@blueprint.post("/tokens")
@signed_in
@blueprint.arguments(ApiTokenBody)
@blueprint.response(201, NewApiTokenSchema)
def create_token(wanted: dict[str, Any]) -> dict[str, Any]:
    """Make an API token; its text is shown this once"""
    asking, now = caller(), utc_now()
    with reading() as connection, connection.transaction():
        try:
            token_id, token = api_tokens.create_token(
                connection, account_of(asking), api_tokens.Wanted(**wanted), now
            )
        except NotPossible as error:
            abort(409, str(error))
        made = {"scopes": wanted["scopes"], "expires_at": wanted["expires_at"]}
        note(connection, actor(), Change("API token made", wanted["name"], after=made), now)
    return {"token_id": token_id, "token": token}


@blueprint.delete("/tokens/<uuid:token_id>")
@signed_in
@blueprint.response(204)
def revoke_token(token_id: UUID) -> None:
    """End an API token of one's own"""
    with reading() as connection, connection.transaction():
        if not api_tokens.revoke_token(connection, account_of(caller()), token_id):
            abort(404, "There is no such token.")
        note(connection, actor(), Change("API token revoked", str(token_id)), utc_now())
