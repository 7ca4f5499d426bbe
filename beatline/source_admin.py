"""Making and changing sources of webhooks.

A secret signs what is sent, so it is kept as it is; it is shown once, when it is made.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection, errors
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from beatline.errors import NotPossible
from beatline.ingest.mapping import Expressions, Mapping
from beatline.storage.queries import query

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SECRET_PREFIX = "whsec_"  # noqa: S105 - the beginning of one
SECRET_LENGTH = 200


class SourceDetails(NamedTuple):
    """A source as people see it."""

    source: str
    project_id: int
    project: str
    kind: str
    paused: bool
    created_at: datetime


class SourceOptions(NamedTuple):
    """What a source may have beside its kind: changes to the mapping, and a secret made by the sender."""

    mapping: Expressions | None = None
    secret: str | None = None


def create_source(
    connection: Connection, name: str, project_id: int, kind: str, options: SourceOptions
) -> str:
    """Make a source; its secret. Raises NotPossible for a name, mapping or secret that cannot be."""
    if not NAME.fullmatch(name):
        raise NotPossible(
            "a source's name has 1 to 64 of a-z, 0-9, - and _, and starts with none of the last"
        )
    Mapping(kind, options.mapping or {})
    secret = new_secret(options.secret)
    parameters = {
        "source": name, "project_id": project_id, "kind": kind, "secret": secret,
        "mapping": Jsonb(options.mapping) if options.mapping else None,
    }  # fmt: skip
    try:
        connection.execute(query("webhook_source_create"), parameters)
    except errors.UniqueViolation:
        raise NotPossible(f"there is a source {name!r} already") from None
    return secret


def new_secret(given: str | None = None) -> str:
    """A given secret when it can be one, else one that nobody can guess. Raises NotPossible."""
    if given is None:
        return SECRET_PREFIX + secrets.token_hex(32)
    if not 8 <= len(given) <= SECRET_LENGTH or "\0" in given:
        raise NotPossible(f"a secret has 8 to {SECRET_LENGTH} characters")
    return given


def list_sources(connection: Connection) -> list[SourceDetails]:
    """Every source."""
    with connection.cursor(row_factory=class_row(SourceDetails)) as cursor:
        return cursor.execute(query("webhook_source_list")).fetchall()


def rotate_secret(connection: Connection, name: str, given: str | None = None) -> str:
    """A new secret for a source; the old one ends at once. Raises NotPossible."""
    secret = new_secret(given)
    changed = connection.execute(query("webhook_source_secret"), {"source": name, "secret": secret})
    expect_found(name, changed.rowcount)
    return secret


def pause_source(connection: Connection, name: str, *, paused: bool) -> None:
    """Refuse what a source sends, or take it again. Raises NotPossible."""
    changed = connection.execute(query("webhook_source_pause"), {"source": name, "paused": paused})
    expect_found(name, changed.rowcount)


def delete_source(connection: Connection, name: str) -> None:
    """Forget a source; its events stay. Raises NotPossible."""
    expect_found(name, connection.execute(query("webhook_source_delete"), {"source": name}).rowcount)


def expect_found(name: str, changed: int) -> None:
    """Raise NotPossible when a statement found no such source."""
    if not changed:
        raise NotPossible(f"there is no source {name!r}; `beatline source list` shows them")
