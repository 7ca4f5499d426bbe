"""Who asks: read anew for each request, so that what is revoked ends at once, not with its token."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection

from beatline.accounts.access import EVERYTHING, Caller, Permission, Role
from beatline.accounts.api_tokens import hash_of
from beatline.storage.queries import query

USED_EVERY = timedelta(minutes=1)  # how exact a token's last use is


def caller_of_login(connection: Connection, login_id: UUID, now: datetime) -> Caller | None:
    """Whoever is signed in by a session; None when it is over or the account disabled."""
    row = connection.execute(query("caller_of_login"), {"login_id": login_id, "now": now}).fetchone()
    if row is None:
        return None
    account_id, email, roles = row
    return Caller(email, as_roles(roles), EVERYTHING, account_id, login_id=login_id)


def caller_of_token(connection: Connection, token: str, now: datetime) -> Caller | None:
    """Whoever made an API token; None when there is no such token, or it is over."""
    row = connection.execute(query("caller_of_token"), {"token_hash": hash_of(token), "now": now}).fetchone()
    if row is None:
        return None
    token_id, account_id, email, scopes, last_used_at, roles = row
    if last_used_at is None or last_used_at < now - USED_EVERY:
        connection.execute(query("api_token_used"), {"token_id": token_id, "now": now})
    allowed = frozenset(Permission(scope) for scope in scopes if scope in set(Permission))
    return Caller(email, as_roles(roles), allowed, account_id, token_id=token_id)


def as_roles(rows: list[tuple[int | None, str]]) -> dict[int | None, Role]:
    """[[project id, role], …] of the database as a table."""
    return {project_id: Role(role) for project_id, role in rows}
