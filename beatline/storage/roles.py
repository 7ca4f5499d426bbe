"""The roles of the database: made, granted and given their passwords by `beatline migrate`.

The owner's role migrates. The others get what sql/queries/grant_to_roles.sql lists and nothing else. A role
belongs to the server and not to one database. Where we may not make or change one, as on some managed
servers, a warning says what is missing and the migration goes on: the processes then connect as the owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

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

from beatline.settings import Settings
from beatline.storage.queries import query

COLLECTOR, WORKERS, GRAFANA = "beatline_collector", "beatline_workers", "beatline_grafana"
ATTEMPTS = 5  # other databases' migrations may change the same roles meanwhile
log = structlog.get_logger()


def passwords_of(settings: Settings) -> dict[str, str | None]:
    """The password that the settings have for each role; None: the role stays as it is."""
    return {
        COLLECTOR: settings.collector_database_password,
        WORKERS: settings.workers_database_password,
        GRAFANA: settings.grafana_database_password,
    }


def url_as(role: str, password: str, database_url: str) -> str:
    """The URL of a database as another role."""
    parts = urlsplit(database_url)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}").geturl()


def make_roles(connection: Connection) -> None:
    """Make the roles that the server has not, without a login; safe beside migrations of other databases."""
    for _ in range(ATTEMPTS):
        try:
            connection.execute(query("make_roles"))
        except (DuplicateObject, UniqueViolation):
            continue  # another database's migration was first
        except InsufficientPrivilege:
            log.warning("database_roles_missing", remedy="a superuser runs sql/queries/make_roles.sql")
        break
    if connection.execute(query("grafana_role_is_bounded")).fetchone() == (False,):
        remedy = f"alter role {GRAFANA} set statement_timeout = '15s'"
        log.warning("database_role_unbounded", role=GRAFANA, remedy=remedy)


def let_roles(connection: Connection, passwords: Mapping[str, str | None]) -> None:
    """Grant the roles that there are what they may do in this database, and let them log in."""
    connection.execute(query("grant_to_roles"))
    for role, password in passwords.items():
        if password:
            set_password(connection, role, password)


def set_password(connection: Connection, role: str, password: str) -> None:
    """Let a role log in with a password. The server, and so its log, only sees the SCRAM verifier of it."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    statement = SQL("alter role {} login password {}").format(Identifier(role), Literal(verifier))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            connection.execute(statement)
        except (InsufficientPrivilege, UndefinedObject):
            remedy = "a superuser sets the role's password"
            log.warning("database_role_password_not_set", role=role, remedy=remedy)
        except InternalError_:  # "tuple concurrently updated": by another database's migration
            if attempt == ATTEMPTS:
                raise
            continue
        return
