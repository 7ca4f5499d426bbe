"""Watches as they are stored: made, changed, snoozed, forgotten, and their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from beatline.errors import NotPossible
from beatline.notifications import outbox
from beatline.notifications.outbox import Notification
from beatline.storage.queries import query, read_count
from beatline.watches.kinds import condition_of
from beatline.watches.states import Notice, Rules, State, Status, notice

MOST_OF_ACCOUNT = 100  # watches of somebody in a project
MOST_OF_PROJECT = 2_000
PAGE = "/alerts"
EVALUATED = {"kind", "condition", "resolve_level", "minimum_seconds", "enabled", "account_id"}


@dataclass(frozen=True)
class Draft:
    """What people say of a watch. account_id: whose it is; None: the project's own. resolve_level: past which
    it is over; None: the level at which it fires."""

    account_id: UUID | None
    name: str
    kind: str
    condition: dict[str, Any]
    severity: str
    minimum_seconds: int
    cool_down_seconds: int
    resolve_level: float | None
    enabled: bool


@dataclass(frozen=True)
class Watch(Draft):
    """A watch with its state. value: the last one. revision counts the changes of the watch. episode_id,
    fired_at, peak and told are of the episode that lasts, if any."""

    watch_id: int
    project_id: int
    snoozed_until: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int
    state: str
    since: datetime
    value: float | None
    evaluated_at: datetime | None
    episode_id: int | None
    fired_at: datetime | None
    peak: float | None
    told: bool

    @property
    def status(self) -> Status:
        """Its state, as it goes into the next evaluation."""
        return Status(State(self.state), self.since, self.evaluated_at)

    def rules(self, settle: timedelta) -> Rules:
        """When it fires, and when not again; settle: what its condition asks for at least."""
        minimum = max(timedelta(seconds=self.minimum_seconds), settle)
        return Rules(minimum, timedelta(seconds=self.cool_down_seconds))

    def is_snoozed(self, now: datetime) -> bool:
        """Whether nothing is to be told of it."""
        return self.snoozed_until is not None and now < self.snoozed_until


@dataclass(frozen=True)
class Choice:
    """Which watches of a project: those of an account and the project's own; everybody's: all of them."""

    project_id: int
    account_id: UUID | None
    everybodys: bool


class News(NamedTuple):
    """What there is to tell of an episode."""

    episode_id: int
    what: Notice
    body: str


def read_watches(connection: Connection, choice: Choice, cursor: int | None, limit: int) -> list[Watch]:
    """The watches behind a cursor, the oldest first."""
    parameters = vars(choice) | {"cursor": cursor, "limit": limit}
    with connection.cursor(row_factory=class_row(Watch)) as rows:
        return rows.execute(query("watch_page"), parameters).fetchall()


def find_watch(connection: Connection, choice: Choice, watch_id: int) -> Watch | None:
    """One of the watches; None when it is none of them."""
    parameters = vars(choice) | {"watch_id": watch_id}
    with connection.cursor(row_factory=class_row(Watch)) as rows:
        return rows.execute(query("watch_find"), parameters).fetchone()


def hold_watch(connection: Connection, watch_id: int) -> None:
    """Keep others from changing a watch until the transaction ends."""
    connection.execute(query("watch_hold"), {"watch_id": watch_id})


def create_watch(connection: Connection, project_id: int, draft: Draft, now: datetime) -> int:
    """Make a watch, in a transaction; its id. Raises NotPossible when there are too many."""
    connection.execute(query("project_hold"), {"project_id": project_id})
    expect_room(connection, project_id, draft.account_id)
    parameters = as_parameters(draft) | {"project_id": project_id, "now": now}
    return read_count(connection, "watch_create", parameters)


def expect_room(connection: Connection, project_id: int, account_id: UUID | None) -> None:
    """Raise NotPossible when the project or the account has as many watches as it may."""
    parameters = {"project_id": project_id, "account_id": account_id}
    ((of_project, of_account),) = connection.execute(query("watch_counts"), parameters).fetchall()
    if of_project >= MOST_OF_PROJECT:
        raise NotPossible(f"The project has {MOST_OF_PROJECT:,} watches; delete one first.")
    if account_id is not None and of_account >= MOST_OF_ACCOUNT:
        raise NotPossible(f"The account has {MOST_OF_ACCOUNT} watches in the project; delete one first.")


def change_watch(connection: Connection, before: Watch, draft: Draft, now: datetime) -> None:
    """Change a watch, in a transaction. What it evaluates begins anew when it is changed itself, and an
    episode that lasts is over then. Raises NotPossible when it would be one too many of an account."""
    if draft.account_id != before.account_id:
        connection.execute(query("project_hold"), {"project_id": before.project_id})
        expect_room(connection, before.project_id, draft.account_id)
    parameters = as_parameters(draft) | {"watch_id": before.watch_id, "now": now}
    connection.execute(query("watch_change"), parameters)
    if any(getattr(draft, field) != getattr(before, field) for field in EVALUATED):
        begin_anew(connection, before, "changed" if draft.enabled else "disabled", now)


def delete_watch(connection: Connection, watch: Watch, now: datetime) -> None:
    """Forget a watch and its history, in a transaction; who knows that it fires is told that it is over."""
    begin_anew(connection, watch, "deleted", now)
    connection.execute(query("watch_delete"), {"watch_id": watch.watch_id})


def snooze_watch(connection: Connection, watch_id: int, until: datetime | None) -> None:
    """Tell nothing of a watch until a time; None: no more."""
    connection.execute(query("watch_snooze"), {"watch_id": watch_id, "until": until})


def begin_anew(
    connection: Connection, watch: Watch, ended_by: str, now: datetime, *, silent: bool = False
) -> None:
    """Put a watch back to ok, in a transaction; its episode, if any, is over and told so.

    Waits for an evaluation that is about to be stored, and voids one that is not yet.
    """
    connection.execute(query("watch_state_reset"), {"watch_id": watch.watch_id, "now": now})
    parameters = {"watch_id": watch.watch_id, "now": now, "ended_by": ended_by}
    ended = connection.execute(query("watch_episode_close"), parameters).fetchone()
    if ended is None or silent:
        return
    episode_id, told = ended
    if notice(State.FIRING, State.OK, told=told, snoozed=watch.is_snoozed(now)):
        tell(connection, watch, News(episode_id, Notice.RESOLVED, f"The watch was {ended_by}."), now)


def tell(connection: Connection, watch: Watch, news: News, now: datetime) -> None:
    """Queue a notice for the owner or for all members of the project, in the transaction of what happened."""
    account_ids = [watch.account_id] if watch.account_id else members(connection, watch.project_id)
    if not account_ids:
        return
    notification = Notification(
        key=f"watch:{watch.watch_id}:{news.episode_id}:{news.what}",
        kind="watch",
        title=watch.name if news.what is Notice.FIRING else f"Over: {watch.name}",
        body=news.body,
        severity=watch.severity,
        path=PAGE,
        project_id=watch.project_id,
        account_ids=account_ids,
        collapse=f"watch:{watch.watch_id}",
    )
    outbox.notify(connection, notification, now)


def members(connection: Connection, project_id: int) -> list[UUID]:
    """The accounts with a role in a project, or in all of them."""
    return [row[0] for row in connection.execute(query("watch_members"), {"project_id": project_id})]


def read_history(
    connection: Connection, choice: Choice, watch_id: int | None, cursor: int | None, limit: int
) -> list[dict[str, Any]]:
    """Episodes of those watches, or of one of them, the newest first, below a cursor."""
    parameters = vars(choice) | {"watch_id": watch_id, "cursor": cursor, "limit": limit}
    with connection.cursor(row_factory=dict_row) as rows:
        return rows.execute(query("watch_history_page"), parameters).fetchall()


def trim_history(connection: Connection, before: datetime) -> None:
    """Forget episodes that were over before a time."""
    connection.execute(query("watch_history_trim"), {"before": before})


def as_parameters(draft: Draft) -> dict[str, Any]:
    """A draft as parameters. The condition is stored with its defaults, so that a later default changes
    nobody's watch."""
    condition = msgspec.to_builtins(condition_of(draft.kind, draft.condition))
    return vars(draft) | {"condition": Jsonb(condition)}
