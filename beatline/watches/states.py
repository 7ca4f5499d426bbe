"""When a watch fires and when it is over: pure functions of what was, what is measured, and the time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_GAP = timedelta(minutes=1)  # between evaluations that prove one duration


class State(StrEnum):
    """pending: the condition holds, but not for long enough yet. resolved: it fired, and cools down."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Verdict(StrEnum):
    """What one evaluation says of a condition. between: neither does it hold, nor is it past the resolve
    level. unknown: what was measured proves nothing."""

    BREACHED = "breached"
    BETWEEN = "between"
    CLEARED = "cleared"
    UNKNOWN = "unknown"


class Notice(StrEnum):
    """What is told of an episode."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class Rules:
    """For how long a condition holds before it fires, and how long nothing fires after an episode."""

    minimum: timedelta = timedelta()
    cool_down: timedelta = timedelta()


@dataclass(frozen=True)
class Status:
    """What a watch is, since when, and when it was evaluated the last time with a result; None: not yet."""

    state: State
    since: datetime
    evaluated_at: datetime | None = None


def advance(before: Status, verdict: Verdict, rules: Rules, now: datetime) -> Status:
    """The status after an evaluation. One without a result leaves everything as it was, so that the next one
    comes after a gap."""
    if verdict is Verdict.UNKNOWN:
        return before
    state, since = next_state(before, verdict, rules, now)
    return replace(before, state=state, since=since, evaluated_at=now)


def next_state(before: Status, verdict: Verdict, rules: Rules, now: datetime) -> tuple[State, datetime]:
    """State and since when."""
    if before.state is State.FIRING:
        return (State.RESOLVED, now) if verdict is Verdict.CLEARED else (State.FIRING, before.since)
    if before.state is State.RESOLVED and now - before.since < rules.cool_down:
        return State.RESOLVED, before.since
    if verdict is not Verdict.BREACHED:
        return State.OK, before.since if before.state is State.OK else now
    began = before.since if before.state is State.PENDING and not has_gap(before, now) else now
    return (State.FIRING, now) if now - began >= rules.minimum else (State.PENDING, began)


def has_gap(before: Status, now: datetime) -> bool:
    """Whether nobody evaluated for so long that what was in between is not known."""
    return before.evaluated_at is None or now - before.evaluated_at > LONGEST_GAP


def notice(before: State, after: State, *, told: bool, snoozed: bool) -> Notice | None:
    """What to tell after an evaluation; told: whether it was told that this episode fires.

    While snoozed nothing is told. An episode that still lasts afterwards is told then; that one is over
    is told of those only whose beginning was.
    """
    if snoozed:
        return None
    if after is State.FIRING:
        return None if told else Notice.FIRING
    return Notice.RESOLVED if before is State.FIRING and told else None
