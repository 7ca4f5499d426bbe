"""Making and changing projects and their write keys.

A write key is public: it stands in every page and app that sends events, and only lets events in. So it is
kept as it is and may be looked up again; what it opens is closed by rotating it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import EllipsisType

from psycopg import Connection, errors
from psycopg.rows import class_row

from beatline.errors import NotPossible
from beatline.storage.queries import query, read_count

KEY_PREFIX = "bl_"
NAME_LENGTH = 200


@dataclass(frozen=True)
class ProjectDetails:
    """A project as people see it; write_keys are the valid ones, the newest first, and its domains. key_ends:
    when those end that were replaced, by key, as ISO 8601. allowed_origins: None for any."""

    project_id: int
    name: str
    paused: bool
    created_at: datetime
    allowed_origins: list[str] | None
    write_keys: list[str]
    key_ends: dict[str, str]


def create_project(connection: Connection, name: str, domains: tuple[str, ...] = ()) -> str:
    """Make a project with a write key, which is returned; events of Plausible's trackers are its own when
    they come with one of the domains. Raises NotPossible when the name or a domain is taken or too long."""
    if not 1 <= len(name) <= NAME_LENGTH:
        raise NotPossible(f"a project's name has 1 to {NAME_LENGTH} characters")
    with connection.transaction():
        try:
            project_id = read_count(connection, "project_create", {"name": name})
        except errors.UniqueViolation:
            raise NotPossible(f"there is a project {name!r} already") from None
        for domain in domains:
            add_key(connection, project_id, domain.lower())
        return add_key(connection, project_id, new_key())


def new_key() -> str:
    """A write key that nobody has."""
    return KEY_PREFIX + secrets.token_hex(16)


def add_key(connection: Connection, project_id: int, write_key: str) -> str:
    """Give a project a write key. Raises NotPossible when another one has it or it is too long."""
    try:
        connection.execute(query("write_key_add"), {"project_id": project_id, "write_key": write_key})
    except errors.UniqueViolation:
        raise NotPossible(f"{write_key!r} belongs to a project already") from None
    except errors.CheckViolation:
        raise NotPossible("a domain has 1 to 200 characters") from None
    return write_key


def add_domain(connection: Connection, project_id: int, domain: str) -> None:
    """Let a site's Plausible tracker send to a project. Raises NotPossible as `add_key`, and for what looks
    like a write key."""
    if domain.lower().startswith(KEY_PREFIX):
        raise NotPossible(f"no domain begins with {KEY_PREFIX!r}")
    with connection.transaction():
        add_key(connection, project_id, domain.lower())


def remove_domain(connection: Connection, project_id: int, domain: str) -> bool:
    """Let a site's Plausible tracker send no more; false when it did not."""
    parameters = {"project_id": project_id, "write_key": domain.lower()}
    if domain.lower().startswith(KEY_PREFIX):
        return False
    return connection.execute(query("write_key_remove"), parameters).rowcount > 0


def list_projects(connection: Connection) -> list[ProjectDetails]:
    """Every project."""
    with connection.cursor(row_factory=class_row(ProjectDetails)) as cursor:
        return cursor.execute(query("project_list")).fetchall()


def find_project(connection: Connection, name: str) -> ProjectDetails:
    """The project of a name or number. Raises NotPossible when there is none."""
    for project in list_projects(connection):
        if name in {project.name, str(project.project_id)}:
            return project
    raise NotPossible(f"there is no project {name!r}; `beatline project list` shows them")


def rotate_key(connection: Connection, project_id: int, now: datetime, grace: timedelta) -> str:
    """A new write key for a project; the old ones end after the grace."""
    with connection.transaction():
        parameters = {"project_id": project_id, "at": now + grace, "prefix": KEY_PREFIX}
        read_count(connection, "write_keys_expire", parameters)
        return add_key(connection, project_id, new_key())


def change_project(
    connection: Connection,
    project_id: int,
    *,
    name: str | None = None,
    paused: bool | None = None,
    allowed_origins: list[str] | EllipsisType | None = ...,
) -> None:
    """Rename a project, refuse its events or take them again, or say whose pages may send (None: any; absent:
    as it is). Raises NotPossible when the name is taken."""
    parameters: dict[str, object] = {"project_id": project_id, "name": name, "paused": paused}
    parameters["with_origins"] = allowed_origins is not ...
    parameters["allowed_origins"] = None if isinstance(allowed_origins, EllipsisType) else allowed_origins
    try:
        with connection.transaction():
            connection.execute(query("project_change"), parameters)
    except errors.UniqueViolation:
        raise NotPossible(f"there is a project {name!r} already") from None


def pause_project(connection: Connection, project_id: int, *, paused: bool) -> None:
    """Refuse the project's events, or take them again."""
    change_project(connection, project_id, paused=paused)
