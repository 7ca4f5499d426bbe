"""Users: found, and what is known of one. Events name them; sql/migrations/0004_projects keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from beatline.analytics.event_log import Filter, StoredEvent, search
from beatline.events import Group
from beatline.ingest.profiles import GROUP, group
from beatline.storage.queries import query

MOST_ALIASES = 100
GROUP_EVENTS = 100  # of a user's newest that are looked at for their groups
ROWS_AT_ONCE = 10_000  # users that one statement looks at

decode_properties = msgspec.json.Decoder(dict[str, Any]).decode


class UserPlace(NamedTuple):
    """The user behind whom a page begins."""

    last_seen_at: datetime
    user_id: str


@dataclass(frozen=True)
class User:
    """A user as they were when last seen, to the minute."""

    user_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    traits: dict[str, Any]


class UsersPage(NamedTuple):
    """Users, the last seen first. next: where to go on, None behind the last one; searched_until: set when
    time was over before the page was full, all who were seen since then were looked at."""

    users: list[User]
    next: UserPlace | None = None
    searched_until: datetime | None = None


@dataclass(frozen=True)
class GroupOfUser:
    """A group that a user named, as it was described last."""

    group_type: str
    group_key: str
    first_seen_at: datetime
    last_seen_at: datetime
    traits: dict[str, Any]


@dataclass(frozen=True)
class UserDetails(User):
    """All that is known of a user. known is false for an anonymous id, which only has sessions."""

    known: bool
    sessions: int
    events: int
    aliases: list[str] = field(default_factory=list)
    groups: list[GroupOfUser] = field(default_factory=list)


@dataclass(frozen=True)
class UserChoice:
    """Which users of a project; text: None for all of them."""

    project_id: int
    text: str | None = None


def find_users(
    connection: Connection,
    choice: UserChoice,
    behind: UserPlace | None,
    limit: int,
    out_of_time: Callable[[], bool],
) -> UsersPage:
    """At most so many users behind a place: all, or those whose id begins with a text or who have it in a
    trait. out_of_time is asked after each ROWS_AT_ONCE users."""
    found: list[User] = []
    at = behind
    while True:
        edge = boundary(connection, choice.project_id, at) if choice.text is not None else None
        found += read_users(connection, choice, (at, edge), limit - len(found))
        if len(found) == limit:
            return UsersPage(found, UserPlace(found[-1].last_seen_at, found[-1].user_id))
        if edge is None:
            return UsersPage(found)
        if out_of_time():
            return UsersPage(found, edge, edge.last_seen_at)
        at = edge


def boundary(connection: Connection, project_id: int, behind: UserPlace | None) -> UserPlace | None:
    """The last of the next ROWS_AT_ONCE users; None when there are fewer."""
    parameters = {"project_id": project_id, "rows": ROWS_AT_ONCE - 1, **place("behind", behind)}
    row = connection.execute(query("users_boundary"), parameters, prepare=False).fetchone()
    return UserPlace(*row) if row else None


def read_users(
    connection: Connection,
    choice: UserChoice,
    between: tuple[UserPlace | None, UserPlace | None],
    limit: int,
) -> list[User]:
    """The users behind the first place, up to the second one, that pass."""
    behind, until = between
    parameters = vars(choice) | {"limit": limit}
    parameters |= place("behind", behind) | place("until", until)
    with connection.cursor(row_factory=class_row(User)) as rows:
        return rows.execute(query("users_page"), parameters, prepare=False).fetchall()


def place(name: str, given: UserPlace | None) -> dict[str, Any]:
    """A place as parameters."""
    at, user_id = given or (None, None)
    return {f"{name}_at": at, f"{name}_id": user_id}


def find_user(
    connection: Connection, project_id: int, user_id: str, out_of_time: Callable[[], bool]
) -> UserDetails | None:
    """All that is known of a user, or of an anonymous id; None when nobody was seen with it."""
    parameters = {"project_id": project_id, "user_id": user_id}
    with connection.cursor(row_factory=class_row(UserDetails)) as rows:
        found = rows.execute(query("user_find"), parameters).fetchone()
    if found is None:
        return None
    found.aliases.extend(aliases_of(connection, project_id, user_id))
    found.groups.extend(groups_of(connection, project_id, user_id, out_of_time))
    return found


def aliases_of(connection: Connection, project_id: int, user_id: str) -> list[str]:
    """The anonymous ids that were merged into a user, the newest MOST_ALIASES."""
    parameters = {"project_id": project_id, "user_id": user_id, "limit": MOST_ALIASES}
    return [alias for (alias,) in connection.execute(query("user_aliases"), parameters)]


def persons(connection: Connection, project_id: int, user_id: str) -> list[str]:
    """The ids that a user acted under: their own, and the anonymous ones from before they were known."""
    return [user_id, *aliases_of(connection, project_id, user_id)]


def groups_of(
    connection: Connection, project_id: int, user_id: str, out_of_time: Callable[[], bool]
) -> list[GroupOfUser]:
    """The groups that a user's newest $group events name."""
    wanted = Filter(project_id, user_id=user_id, event_types=[GROUP])
    newest = search(connection, wanted, None, GROUP_EVENTS, out_of_time).events
    named = {(each.type, each.key) for each in filter(None, map(group_named, newest))}
    if not named:
        return []
    types, keys = zip(*sorted(named), strict=True)
    parameters = {"project_id": project_id, "types": list(types), "keys": list(keys)}
    with connection.cursor(row_factory=class_row(GroupOfUser)) as rows:
        return rows.execute(query("groups_named"), parameters).fetchall()


def group_named(event: StoredEvent) -> Group | None:
    """The group that an event names, if any."""
    return group(decode_properties(event.properties))
