"""Evaluating every watch: one statement for each kind, then the states, episodes and notices in one
transaction. Whoever calls it holds a lock, so that there is one at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from beatline.accounts.access import Caller, Permission
from beatline.accounts.callers import as_roles
from beatline.storage.queries import query, read_count
from beatline.watches.counts import Count, read_counts
from beatline.watches.kinds import condition_of
from beatline.watches.kinds.condition import Condition, Reading
from beatline.watches.states import Notice, State, Status, Verdict, advance, notice
from beatline.watches.stored import News, Watch, begin_anew, tell


@dataclass(frozen=True)
class Evaluated:
    """How many watches were evaluated, and how many of them began to fire or were over."""

    watches: int = 0
    fired: int = 0
    resolved: int = 0


class Subject(NamedTuple):
    """A condition in a project: what is measured once for all watches that have it."""

    project_id: int
    condition: Condition


class Step(NamedTuple):
    """What one evaluation makes of a watch."""

    watch: Watch
    condition: Condition
    reading: Reading
    after: Status


def evaluate(connection: Connection, now: datetime, *, complete: bool) -> Evaluated:
    """Evaluate all watches that are enabled and whose owners may have them.

    complete: whether all that was acknowledged is in the database. Nothing is stored or told unless all is.
    """
    watches = read_enabled(connection)
    may_have = permissions_of_owners(connection)
    subjects = {watch.watch_id: subject_of(watch) for watch in watches}
    allowed = {
        watch.watch_id
        for watch in watches
        if may_have(watch.account_id, watch.project_id, subjects[watch.watch_id].condition.permission)
    }
    counted = measure(connection, [subjects[watch_id] for watch_id in allowed], now)
    steps = [
        step_of(watch, subjects[watch.watch_id], counted, now, complete=complete)
        for watch in watches
        if watch.watch_id in allowed
    ]
    stopped = [watch for watch in watches if watch.watch_id not in allowed and watch.state != State.OK]
    return store(connection, steps, stopped, now)


def read_enabled(connection: Connection) -> list[Watch]:
    """Every watch that is enabled, with its state."""
    with connection.cursor(row_factory=class_row(Watch)) as rows:
        return rows.execute(query("watches_enabled")).fetchall()


def subject_of(watch: Watch) -> Subject:
    """What a watch looks at."""
    return Subject(watch.project_id, condition_of(watch.kind, watch.condition))


def permissions_of_owners(connection: Connection) -> Any:
    """Whether a watch may go on, by owner, project and what it reads. One of the project always may."""
    owners = {
        account_id: Caller("the owner of a watch", as_roles(roles), account_id=account_id)
        for account_id, roles in connection.execute(query("watch_owners"))
    }

    @cache
    def may_have(account_id: UUID | None, project_id: int, permission: Permission) -> bool:
        if account_id is None:
            return True
        owner = owners.get(account_id)
        return owner is not None and {Permission.WATCH, permission} <= owner.permissions(project_id)

    return may_have


def measure(
    connection: Connection, subjects: Iterable[Subject], now: datetime
) -> dict[Subject, tuple[int, ...]]:
    """What is counted for each condition, by one statement for each kind."""
    asked: dict[type[Condition], dict[Subject, tuple[Count, ...]]] = defaultdict(dict)
    for subject in subjects:
        of_kind = asked[type(subject.condition)]
        if subject not in of_kind:
            of_kind[subject] = subject.condition.counts(subject.project_id, now)
    measured = {}
    for kind, counts_of in asked.items():
        counts = list(dict.fromkeys(count for counts in counts_of.values() for count in counts))
        answers = read_counts(connection, kind.query, kind.parameters(counts, now), counts)
        for subject, counts_asked in counts_of.items():
            measured[subject] = tuple(answers[count] for count in counts_asked)
    return measured


def step_of(
    watch: Watch,
    subject: Subject,
    counted: dict[Subject, tuple[int, ...]],
    now: datetime,
    *,
    complete: bool,
) -> Step:
    """Judge what was counted for a watch."""
    condition = subject.condition
    reading = condition.judge(counted[subject], watch.resolve_level, complete=complete)
    rules = watch.rules(condition.settle)
    return Step(watch, condition, reading, advance(watch.status, reading.verdict, rules, now))


def store(
    connection: Connection, steps: Sequence[Step], stopped: Sequence[Watch], now: datetime
) -> Evaluated:
    """Store states and episodes and queue notices, in one transaction. What was changed meanwhile is left as
    it is, as is that of which nothing is known."""
    fired = resolved = 0
    steps = [step for step in steps if step.reading.verdict is not Verdict.UNKNOWN]
    with connection.transaction():
        for watch in stopped:
            begin_anew(connection, watch, "stopped", now, silent=True)
        current = store_states(connection, steps)
        current_steps = [step for step in steps if step.watch.watch_id in current]
        store_peaks(connection, current_steps)
        for step in current_steps:
            before, after = step.watch.state, step.after.state
            if State.FIRING in (before, after):
                store_episode(connection, step, now)
                fired += before != State.FIRING
                resolved += after is not State.FIRING
    return Evaluated(len(current), fired, resolved)


def store_states(connection: Connection, steps: Sequence[Step]) -> set[int]:
    """Store what the watches are now; the ids of those that are still what was evaluated."""
    columns = {
        "watch_ids": [step.watch.watch_id for step in steps],
        "revisions": [step.watch.revision for step in steps],
        "states": [str(step.after.state) for step in steps],
        "sinces": [step.after.since for step in steps],
        "measured": [step.reading.value for step in steps],
        "times": [step.after.evaluated_at for step in steps],
    }
    return {watch_id for (watch_id,) in connection.execute(query("watch_states_store"), columns)}


def store_peaks(connection: Connection, steps: Sequence[Step]) -> None:
    """Note the values that are further from good than those before them in their episodes."""
    peaks = {
        step.watch.episode_id: step.reading.value
        for step in steps
        if step.watch.peak is not None
        and step.condition.worse(step.reading.value, step.watch.peak) != step.watch.peak
    }
    if peaks:
        parameters = {"episode_ids": list(peaks), "peaks": list(peaks.values())}
        connection.execute(query("watch_peaks_store"), parameters)


def store_episode(connection: Connection, step: Step, now: datetime) -> None:
    """Begin, go on with, or end the episode of a watch, and queue what is to be told of it."""
    watch, before, after = step.watch, State(step.watch.state), step.after.state
    what = notice(before, after, told=watch.told, snoozed=watch.is_snoozed(now))
    names = {"watch_id": watch.watch_id, "now": now}
    if before is not State.FIRING:
        beginning = {"value": step.reading.value, "told": what is Notice.FIRING}
        episode_id = read_count(connection, "watch_episode_open", names | beginning)
    elif after is not State.FIRING:
        episode_id = read_count(connection, "watch_episode_close", names | {"ended_by": "resolved"})
    else:
        episode_id = int(watch.episode_id or 0)
        if what:
            connection.execute(query("watch_episode_told"), {"episode_id": episode_id})
    if what:
        body = f"{step.reading.value:,.6g}: {step.condition.in_words()}"
        tell(connection, watch, News(episode_id, what, body), now)


def try_condition(
    connection: Connection, project_id: int, condition: Condition, resolve_level: float | None, now: datetime
) -> Reading:
    """What a condition comes to now."""
    subject = Subject(project_id, condition)
    counted = measure(connection, [subject], now)
    return condition.judge(counted[subject], resolve_level, complete=True)
