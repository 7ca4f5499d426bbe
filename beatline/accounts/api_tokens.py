"""API tokens: what people make for their scripts. Shown once, known by their hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from beatline.accounts.access import Permission
from beatline.errors import NotPossible
from beatline.events import uuid7
from beatline.storage.queries import query

PREFIX = "blt_"  # by which secret scanners and people know one
MOST_TOKENS = 100  # of an account


@dataclass(frozen=True)
class ApiToken:
    """A token as its owner sees it."""

    token_id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class Wanted:
    """A token that somebody wants."""

    name: str
    scopes: list[Permission]
    expires_at: datetime | None = None


def create_token(connection: Connection, account_id: UUID, wanted: Wanted, now: datetime) -> tuple[UUID, str]:
    """Make a token; its id and its text, which is kept nowhere. Raises NotPossible: there are too many."""
    if len(list_tokens(connection, account_id)) >= MOST_TOKENS:
        raise NotPossible(f"an account has at most {MOST_TOKENS} tokens: revoke some")
    token_id, token = uuid7(), PREFIX + secrets.token_urlsafe(32)
    parameters = vars(wanted) | {
        "token_id": token_id,
        "account_id": account_id,
        "token_hash": hash_of(token),
        "now": now,
    }
    connection.execute(query("api_token_create"), parameters)
    return token_id, token


def list_tokens(connection: Connection, account_id: UUID) -> list[ApiToken]:
    """An account's tokens, the newest first."""
    with connection.cursor(row_factory=class_row(ApiToken)) as cursor:
        return cursor.execute(query("api_tokens"), {"account_id": account_id}).fetchall()


def revoke_token(connection: Connection, account_id: UUID, token_id: UUID) -> bool:
    """End a token of an account; false when it has no such token."""
    parameters = {"account_id": account_id, "token_id": token_id}
    return connection.execute(query("api_token_revoke"), parameters).rowcount > 0


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
