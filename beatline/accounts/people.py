"""Accounts: the people who sign in, and their roles."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg import Connection, errors
from psycopg.rows import class_row

from beatline.accounts.access import Role
from beatline.accounts.passwords import fits, hash_password, is_outdated, new_password
from beatline.errors import NotPossible
from beatline.events import uuid7
from beatline.storage.queries import query

EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")
LAST_ADMIN = "the last admin of all projects stays one: make another one first"


@dataclass(frozen=True)
class Account:
    """Somebody who may sign in. roles: by project id, None standing for all projects."""

    account_id: UUID
    email: str
    name: str
    disabled: bool
    created_at: datetime
    role_rows: list[tuple[int | None, str]] = field(default_factory=list, repr=False)

    @property
    def roles(self) -> dict[int | None, Role]:
        """What the account is in which project."""
        return {project_id: Role(role) for project_id, role in self.role_rows}


def create_account(connection: Connection, email: str, name: str, password: str, now: datetime) -> UUID:
    """Make an account without any role. Raises NotPossible for an address or password that cannot be."""
    email = email.strip().lower()
    if not EMAIL.fullmatch(email):
        raise NotPossible(f"{email!r} is no e-mail address")
    values = {
        "account_id": uuid7(),
        "email": email,
        "name": name,
        "password_hash": hash_password(password),
        "now": now,
    }
    try:
        connection.execute(query("account_create"), values)
    except errors.UniqueViolation:
        raise NotPossible(f"there is an account {email} already") from None
    return UUID(str(values["account_id"]))


def list_accounts(connection: Connection) -> list[Account]:
    """Every account, by address."""
    with connection.cursor(row_factory=class_row(Account)) as cursor:
        return cursor.execute(query("accounts")).fetchall()


def find_account(connection: Connection, account_id: UUID) -> Account | None:
    """An account by its id."""
    return next((known for known in list_accounts(connection) if known.account_id == account_id), None)


def account_of(connection: Connection, email: str) -> Account:
    """An account by its address. Raises NotPossible when there is none."""
    for known in list_accounts(connection):
        if known.email == email.strip().lower():
            return known
    raise NotPossible(f"there is no account {email!r}; `beatline user list` shows them")


def check_password(connection: Connection, email: str, password: str) -> UUID | None:
    """The account that signs in with a password; None when the address or the password is wrong, or the
    account disabled. A hash of older parameters is made anew."""
    row = connection.execute(query("account_password"), {"email": email.strip().lower()}).fetchone()
    account_id, password_hash = row or (None, None)
    if not fits(password, password_hash):
        return None
    if is_outdated(str(password_hash)):
        renewed = {"account_id": account_id, "password_hash": hash_password(password)}
        connection.execute(query("account_rehash"), renewed)
    return UUID(str(account_id))


def set_password(connection: Connection, account_id: UUID, password: str, now: datetime) -> None:
    """Give an account another password. Raises NotPossible for a bad one."""
    values = {"account_id": account_id, "password_hash": hash_password(password), "now": now}
    connection.execute(query("account_set_password"), values)


def set_name(connection: Connection, account_id: UUID, name: str) -> None:
    """Give an account another name."""
    connection.execute(query("account_set_name"), {"account_id": account_id, "name": name})


def set_role(connection: Connection, account_id: UUID, project_id: int | None, role: Role | None) -> None:
    """Give an account a role in a project, None standing for all of them, or take it away.

    Raises NotPossible when nobody would be left who may administer all projects, or there is no such project.
    """
    values = {"account_id": account_id, "project_id": project_id, "role": role}
    with connection.transaction():
        try:
            connection.execute(query("account_role_set" if role else "account_role_remove"), values)
        except errors.ForeignKeyViolation:
            raise NotPossible("there is no such account or project") from None
        keep_an_admin(connection)


def disable_account(connection: Connection, account_id: UUID, *, disabled: bool) -> None:
    """Let an account in no more, or again. Raises NotPossible for the last admin of all projects."""
    with connection.transaction():
        connection.execute(query("account_disable"), {"account_id": account_id, "disabled": disabled})
        keep_an_admin(connection)


def delete_account(connection: Connection, account_id: UUID) -> None:
    """Forget an account. Raises NotPossible for the last admin of all projects."""
    with connection.transaction():
        connection.execute(query("account_delete"), {"account_id": account_id})
        keep_an_admin(connection)


def make_first_admin(connection: Connection, email: str, now: datetime) -> str | None:
    """Make the account that administers everything when there is none at all; its password, which is kept
    nowhere, else None. Two that do so at once make one."""
    with connection.transaction():
        connection.execute(query("account_roles_hold"))
        if list_accounts(connection):
            return None
        password = new_password()
        account_id = create_account(connection, email, "", password, now)
        set_role(connection, account_id, None, Role.ADMIN)
    return password


def keep_an_admin(connection: Connection) -> None:
    """Raise NotPossible, which undoes the transaction, when no admin of all projects would be left. Two who
    take each other's role away at the same time wait for each other here."""
    connection.execute(query("account_roles_hold"))
    if connection.execute(query("account_admins")).fetchone() is None:
        raise NotPossible(LAST_ADMIN)
