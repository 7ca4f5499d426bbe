"""Conditions: what is refused, what numbers come to, and how they are said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatline.storage.queries import query
from beatline.watches.kinds import KINDS, BadCondition, checked_condition
from beatline.watches.states import Verdict

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
BREACHED, BETWEEN, CLEARED, UNKNOWN = (
    Verdict.BREACHED, Verdict.BETWEEN, Verdict.CLEARED, Verdict.UNKNOWN
)  # fmt: skip
ABOVE = {"window_minutes": 5, "measure": "events", "direction": "above", "level": 10}
BELOW = ABOVE | {"direction": "below"}
ABSENT = {"window_minutes": 60, "event_type": "buy"}
UP = {"window_minutes": 60, "compared_with": "window_before", "direction": "up", "percent": 50}
DOWN, EITHER = UP | {"direction": "down"}, UP | {"direction": "either"}
LONG = "x" * 129


@pytest.mark.parametrize(
    ("kind", "fields", "resolve_level", "field"),
    [
        ("threshold", {}, None, "window_minutes"),
        ("threshold", ABOVE | {"window_minutes": 3}, None, "window_minutes"),
        ("threshold", ABOVE | {"window_minutes": 5.0001}, None, "window_minutes"),
        ("threshold", ABOVE | {"window_minutes": None}, None, "window_minutes"),
        ("threshold", ABOVE | {"measure": "users", "event_type": "buy"}, None, "event_type"),
        ("threshold", ABOVE | {"measure": "users", "page_url": "/"}, None, "page_url"),
        ("threshold", ABOVE | {"measure": "money"}, None, "measure"),
        ("threshold", ABOVE | {"direction": "beside"}, None, "direction"),
        ("threshold", ABOVE | {"level": -1}, None, "level"),
        ("threshold", ABOVE | {"level": 1e16}, None, "level"),
        ("threshold", ABOVE | {"level": "10"}, None, "level"),
        ("threshold", BELOW | {"level": 0}, None, "level"),
        ("threshold", ABOVE | {"colour": "red"}, None, "colour"),
        ("threshold", ABOVE | {"event_type": "buy", "page_url": "/"}, None, "page_url"),
        ("threshold", ABOVE | {"event_type": ""}, None, "event_type"),
        ("threshold", ABOVE | {"event_type": LONG}, None, "event_type"),
        ("threshold", ABOVE | {"event_type": "a\0b"}, None, "event_type"),
        ("threshold", ABOVE | {"page_url": "/" * 2_049}, None, "page_url"),
        ("threshold", ABOVE, 11, "resolve_level"),
        ("threshold", BELOW, 9, "resolve_level"),
        ("absence", {}, None, "window_minutes"),
        ("absence", ABSENT, 0, "resolve_level"),
        ("absence", ABSENT | {"level": 3}, None, "level"),
        ("change", UP | {"percent": 0}, None, "percent"),
        ("change", DOWN | {"percent": 101}, None, "percent"),
        ("change", UP | {"compared_with": "never"}, None, "compared_with"),
        ("change", UP | {"minimum_count": 0}, None, "minimum_count"),
        ("change", UP | {"minimum_count": 1.5}, None, "minimum_count"),
        ("change", UP, 51, "resolve_level"),
    ],
)
def test_given_a_bad_condition_then_its_field_is_named(
    kind: str, fields: dict[str, Any], resolve_level: float | None, field: str
) -> None:
    with pytest.raises(BadCondition) as refused:
        checked_condition(kind, fields, resolve_level)

    faults: Any = refused.value.faults
    assert field in (faults if field == "resolve_level" else faults["condition"])


@pytest.mark.parametrize(
    ("kind", "fields", "resolve_level", "counted", "value", "verdict", "incomplete"),
    [
        ("threshold", ABOVE, None, (11,), 11, BREACHED, BREACHED),  # more can only come
        ("threshold", ABOVE, None, (10,), 10, CLEARED, UNKNOWN),
        ("threshold", ABOVE, 5, (10,), 10, BETWEEN, UNKNOWN),
        ("threshold", ABOVE, 5, (6,), 6, BETWEEN, UNKNOWN),
        ("threshold", ABOVE, 5, (5,), 5, CLEARED, UNKNOWN),
        ("threshold", BELOW, None, (9,), 9, BREACHED, UNKNOWN),
        ("threshold", BELOW, None, (10,), 10, CLEARED, CLEARED),
        ("threshold", BELOW, 20, (19,), 19, BETWEEN, BETWEEN),
        ("threshold", BELOW, 20, (20,), 20, CLEARED, CLEARED),
        ("absence", ABSENT, None, (0,), 0, BREACHED, UNKNOWN),
        ("absence", ABSENT, None, (1,), 1, CLEARED, CLEARED),
        ("absence", ABSENT, 3, (2,), 2, BETWEEN, BETWEEN),
        ("absence", ABSENT, 3, (3,), 3, CLEARED, CLEARED),
        ("change", UP, None, (150, 100), 50, BREACHED, UNKNOWN),
        ("change", UP, None, (149, 100), 49, CLEARED, UNKNOWN),
        ("change", UP, 20, (149, 100), 49, BETWEEN, UNKNOWN),
        ("change", UP, 20, (120, 100), 20, CLEARED, UNKNOWN),
        ("change", UP, None, (0, 100), -100, CLEARED, UNKNOWN),
        ("change", UP, None, (9, 1), 800, CLEARED, UNKNOWN),  # too few to matter
        ("change", UP, None, (10, 0), 1000, BREACHED, UNKNOWN),  # from nothing: as from one
        ("change", UP, None, (0, 0), 0, CLEARED, UNKNOWN),
        ("change", DOWN, None, (50, 100), -50, BREACHED, UNKNOWN),
        ("change", DOWN, None, (0, 100), -100, BREACHED, UNKNOWN),
        ("change", DOWN, None, (150, 100), 50, CLEARED, UNKNOWN),
        ("change", EITHER, None, (50, 100), -50, BREACHED, UNKNOWN),
        ("change", EITHER, None, (150, 100), 50, BREACHED, UNKNOWN),
        ("change", EITHER, 10, (80, 100), -20, BETWEEN, UNKNOWN),
    ],
)
def test_given_numbers_then_this_is_what_they_say_also_while_some_are_missing(
    kind: str,
    fields: dict[str, Any],
    resolve_level: float | None,
    counted: tuple[int, ...],
    value: float,
    verdict: Verdict,
    incomplete: Verdict,
) -> None:
    condition = checked_condition(kind, fields, resolve_level)

    assert condition.judge(counted, resolve_level, complete=True) == (value, verdict)
    assert condition.judge(counted, resolve_level, complete=False).verdict == incomplete


numbers = st.tuples(st.integers(0, 1_000), st.integers(0, 1_000))


@given(st.sampled_from([("threshold", ABOVE), ("threshold", BELOW), ("absence", ABSENT)]), numbers)
def test_given_some_events_are_missing_then_what_is_said_is_what_all_of_them_say(
    which: tuple[str, dict[str, Any]], counted: tuple[int, int]
) -> None:
    """Of a number that is at least so large, only that is said which more of it cannot change."""
    condition = checked_condition(*which, None)
    known, missing = counted

    said = condition.judge((known,), None, complete=False).verdict
    truth = condition.judge((known + missing,), None, complete=True).verdict

    assert said in (truth, UNKNOWN)


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("threshold", ABOVE, "events of the last 5 minutes above 10"),
        ("threshold", BELOW | {"measure": "users", "window_minutes": 60}, "users of the last hour below 10"),
        ("threshold", ABOVE | {"page_url": "/"}, "views of / of the last 5 minutes above 10"),
        ("absence", ABSENT, "no events of type buy for a whole hour"),
        ("absence", {"window_minutes": 120}, "no events for 2 hours"),
        ("change", UP, "events of the last hour 50 % up on the window before"),
        (
            "change",
            EITHER | {"compared_with": "week_ago"},
            "events of the last hour 50 % up or down on a week ago",
        ),
    ],
)
def test_given_a_condition_then_it_is_said_in_words(kind: str, fields: dict[str, Any], words: str) -> None:
    assert checked_condition(kind, fields, None).in_words() == words


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_statement_of_its_own(kind: str) -> None:
    assert kind in KINDS[kind].query
    assert "%(wanted)s" in query(KINDS[kind].query)
