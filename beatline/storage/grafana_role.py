"""The role with which Grafana reads: made, granted and given its password by `beatline migrate`.

A role belongs to the server and not to one database. Where we may not make or change it, as on some managed
servers, a warning says what is missing and the migration goes on: nothing but the dashboards needs the role.
"""

from __future__ import annotations

import structlog
from psycopg import Connection
from psycopg.errors import (
    DuplicateObject,
    InsufficientPrivilege,
    InternalError_,
    UndefinedObject,
    UniqueViolation,
)
from psycopg.sql import SQL, Identifier, Literal

from beatline.storage.queries import query

ROLE = "beatline_grafana"
ATTEMPTS = 5
log = structlog.get_logger()


def make_role(connection: Connection) -> None:
    """Make the role, without a login, unless the server has it; safe beside migrations of other databases."""
    try:
        connection.execute(query("make_grafana_role"))
    except (DuplicateObject, UniqueViolation):
        return  # another database's migration was first
    except InsufficientPrivilege:
        log.warning(
            "grafana_role_missing", role=ROLE, remedy="a superuser runs sql/queries/make_grafana_role.sql"
        )
        return
    bounded = connection.execute(query("grafana_role_is_bounded")).fetchone()
    if bounded != (True,):
        log.warning(
            "grafana_role_unbounded", role=ROLE, remedy=f"alter role {ROLE} set statement_timeout = '15s'"
        )


def let_role_read(connection: Connection) -> None:
    """Grant the role what it may read in this database, if there is the role."""
    if connection.execute(query("grafana_role_is_bounded")).fetchone():
        connection.execute(query("grant_to_grafana"))


def set_password(connection: Connection, password: str) -> None:
    """Let the role log in with a password. The server, and so its log, only sees the SCRAM verifier of it."""
    verifier = connection.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    statement = SQL("alter role {} login password {}").format(Identifier(ROLE), Literal(verifier))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            connection.execute(statement)
        except (InsufficientPrivilege, UndefinedObject):
            log.warning("grafana_password_not_set", role=ROLE, remedy="a superuser sets the role's password")
        except InternalError_:  # "tuple concurrently updated": by another database's migration
            if attempt == ATTEMPTS:
                raise
            continue
        return
