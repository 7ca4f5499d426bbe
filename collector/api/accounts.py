"""/api/v1/accounts and /api/v1/projects/<id>/members: accounts and roles (docs/accounts.md)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import abort
from marshmallow import Schema, fields, validate
from psycopg import Connection

from beatline.accounts import people
from beatline.accounts.access import Permission, Role
from beatline.accounts.login_sessions import end_logins
from beatline.accounts.passwords import new_password
from beatline.accounts.people import Account
from beatline.audit_log import Change, note
from beatline.errors import NotPossible
from beatline.events import utc_now
from collector.api.access import actor, needs
from collector.api.schemas import Area, StrictSchema
from collector.services import reading

blueprint = Area("accounts", __name__, url_prefix="/api/v1/accounts", description="People who sign in")
members = Area(
    "members",
    __name__,
    url_prefix="/api/v1/projects/<int:project_id>/members",
    description="Who has which role in a project",
)


class RoleSchema(Schema):
    """A role in a project; null: in all of them."""

    project_id = fields.Integer(required=True, allow_none=True)
    role = fields.Enum(Role, by_value=True, required=True)


class AccountRowSchema(Schema):
    """Somebody who may sign in."""

    account_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    disabled = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    roles = fields.List(fields.Nested(RoleSchema), required=True)


class AccountsSchema(Schema):
    """Every account, by address."""

    accounts = fields.List(fields.Nested(AccountRowSchema), required=True)


class NewAccountBody(StrictSchema):
    """An account to make, with a role in all projects or none."""

    email = fields.String(required=True, validate=[validate.Length(3, 254), validate.ContainsNoneOf("\0")])
    name = fields.String(load_default="", validate=[validate.Length(0, 200), validate.ContainsNoneOf("\0")])
    role = fields.Enum(Role, by_value=True, load_default=None, allow_none=True)


class NewAccountSchema(Schema):
    """A new account with its first password, which is shown this once."""

    account_id = fields.UUID(required=True)
    password = fields.String(required=True)


class PasswordSchema(Schema):
    """A new password, shown this once."""

    password = fields.String(required=True)


class DisabledBody(StrictSchema):
    """Whether the account may sign in."""

    disabled = fields.Boolean(required=True)


class RoleBody(StrictSchema):
    """A role; null takes it away."""

    role = fields.Enum(Role, by_value=True, required=True, allow_none=True)


class MemberSchema(Schema):
    """Somebody with a role in the project, of its own or of all projects."""

    account_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    everywhere = fields.Boolean(required=True)


class MembersSchema(Schema):
    """Everybody with a role, by address."""

    members = fields.List(fields.Nested(MemberSchema), required=True)


class MemberBody(RoleBody):
    """Whose role it is."""

    email = fields.String(required=True, validate=[validate.Length(3, 254), validate.ContainsNoneOf("\0")])


@blueprint.get("")
@needs(Permission.WRITE_ACCOUNTS)
@blueprint.response(200, AccountsSchema)
def get_accounts() -> dict[str, Any]:
    """Every account with its roles"""
    with reading() as connection:
        return {"accounts": [as_row(account) for account in people.list_accounts(connection)]}


@blueprint.post("")
@needs(Permission.WRITE_ACCOUNTS)
@blueprint.arguments(NewAccountBody)
@blueprint.response(201, NewAccountSchema)
@blueprint.alt_response(409, description="There is such an account already")
def create_account(wanted: dict[str, Any]) -> dict[str, Any]:
    """Make an account with a random password, shown this once"""
    password, now = new_password(), utc_now()
    with reading() as connection, connection.transaction():
        try:
            account_id = people.create_account(connection, wanted["email"], wanted["name"], password, now)
        except NotPossible as error:
            abort(409, str(error))
        if wanted["role"]:
            people.set_role(connection, account_id, None, wanted["role"])
        change = Change("account made", wanted["email"], after={"role": wanted["role"]})
        note(connection, actor(), change, now)
    return {"account_id": account_id, "password": password}


@blueprint.patch("/<uuid:account_id>")
@needs(Permission.WRITE_ACCOUNTS)
@blueprint.arguments(DisabledBody)
@blueprint.response(204)
def disable_account(given: dict[str, Any], account_id: UUID) -> None:
    """Let an account in no more, which ends its login sessions, or again"""
    now = utc_now()
    with reading() as connection, connection.transaction():
        account = known_account(connection, account_id)
        try:
            people.disable_account(connection, account_id, disabled=given["disabled"])
        except NotPossible as error:
            abort(409, str(error))
        if given["disabled"]:
            end_logins(connection, account_id, "disabled", now)
        before = {"disabled": account.disabled}
        note(connection, actor(), Change("account changed", account.email, None, before, given), now)


@blueprint.delete("/<uuid:account_id>")
@needs(Permission.WRITE_ACCOUNTS)
@blueprint.response(204)
def delete_account(account_id: UUID) -> None:
    """Forget an account with its roles, login sessions and tokens"""
    with reading() as connection, connection.transaction():
        account = known_account(connection, account_id)
        try:
            people.delete_account(connection, account_id)
        except NotPossible as error:
            abort(409, str(error))
        change = Change("account deleted", account.email, before={"roles": as_row(account)["roles"]})
        note(connection, actor(), change, utc_now())


@blueprint.post("/<uuid:account_id>/password")
@needs(Permission.WRITE_ACCOUNTS)
@blueprint.response(200, PasswordSchema)
def reset_password(account_id: UUID) -> dict[str, Any]:
    """Give an account a random password, shown this once; its login sessions end"""
    password, now = new_password(), utc_now()
    with reading() as connection, connection.transaction():
        account = known_account(connection, account_id)
        people.set_password(connection, account_id, password, now)
        end_logins(connection, account_id, "password", now)
        note(connection, actor(), Change("password reset", account.email), now)
    return {"password": password}


@blueprint.put("/<uuid:account_id>/role")
@needs(Permission.WRITE_ACCOUNTS)
@blueprint.arguments(RoleBody)
@blueprint.response(204)
def set_role_everywhere(given: dict[str, Any], account_id: UUID) -> None:
    """Give an account a role in all projects, or take it away"""
    with reading() as connection, connection.transaction():
        change_role(connection, known_account(connection, account_id), None, given["role"])


@members.get("")
@needs(Permission.WRITE_MEMBERS)
@members.response(200, MembersSchema)
def get_members(project_id: int) -> dict[str, Any]:
    """Everybody with a role in the project"""
    with reading() as connection:
        accounts = people.list_accounts(connection)
    rows = [
        vars(account) | {"role": role, "everywhere": project_id not in account.roles}
        for account in accounts
        if (role := account.roles.get(project_id, account.roles.get(None)))
    ]
    return {"members": rows}


@members.put("")
@needs(Permission.WRITE_MEMBERS)
@members.arguments(MemberBody)
@members.response(204)
@members.alt_response(404, description="There is no such account; who administers all projects makes it")
def set_member(given: dict[str, Any], project_id: int) -> None:
    """Give an account a role in the project, or take it away"""
    with reading() as connection, connection.transaction():
        try:
            account = people.account_of(connection, given["email"])
        except NotPossible:
            abort(404, "There is no such account.")
        change_role(connection, account, project_id, given["role"])


def change_role(connection: Connection, account: Account, project_id: int | None, role: Role | None) -> None:
    """Change a role and note it. Answers 409 when nobody would be left who may administer."""
    try:
        people.set_role(connection, account.account_id, project_id, role)
    except NotPossible as error:
        abort(409, str(error))
    before, after = {"role": account.roles.get(project_id)}, {"role": role}
    note(connection, actor(), Change("role changed", account.email, project_id, before, after), utc_now())


def known_account(connection: Connection, account_id: UUID) -> Account:
    """The account of an id, or 404."""
    return people.find_account(connection, account_id) or abort(404, "There is no such account.")


def as_row(account: Account) -> dict[str, Any]:
    """An account as the API shows it."""
    roles = [{"project_id": project_id, "role": role} for project_id, role in account.roles.items()]
    return vars(account) | {"roles": roles}
