"""When a watch fires, and when it is over: by tables, and for any history of evaluations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatline.watches.states import LONGEST_GAP, Notice, Rules, State, Status, Verdict, advance, notice

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
STEP = timedelta(seconds=15)
VERDICTS = {"!": Verdict.BREACHED, "-": Verdict.BETWEEN, ".": Verdict.CLEARED, "?": Verdict.UNKNOWN}
STATES = {State.OK: "o", State.PENDING: "p", State.FIRING: "F", State.RESOLVED: "r"}


def run(verdicts: str, rules: Rules, step: timedelta = STEP) -> str:
    """The states after evaluations one step apart, a letter each."""
    status, letters = Status(State.OK, NOON), ""
    for number, letter in enumerate(verdicts):
        status = advance(status, VERDICTS[letter], rules, NOON + number * step)
        letters += STATES[status.state]
    return letters


@pytest.mark.parametrize(
    ("verdicts", "minimum", "cool_down", "states"),
    [
        ("...", 0, 0, "ooo"),
        (".!.", 0, 0, "oFr"),
        (".!!.", 0, 0, "oFFr"),
        (".!-!-.", 0, 0, "oFFFFr"),  # hysteresis: between neither ends nor begins it
        ("--.", 0, 0, "ooo"),
        ("!.!", 0, 0, "FrF"),
        ("!.-.", 0, 0, "Froo"),
        ("!!!!!!", 60, 0, "ppppFF"),  # one minute is four steps
        ("!!!-!!!!!", 60, 0, "pppoppppF"),
        ("!!!.!!!!!", 60, 0, "pppoppppF"),
        ("!.!!!!", 0, 60, "FrrrrF"),
        ("!.....", 0, 60, "Frrrro"),
        ("!.!!!!!!!!!", 60, 60, "popppp" + "FFFFF"),
        ("!!!!!.!!!!!!!!!", 60, 60, "ppppFrrrrppppFF"),
        ("??!??.??", 0, 0, "ooFFFrrr"),  # unknown changes nothing
        ("!??!!", 60, 0, "ppppF"),  # a gap of less than a minute
        ("!?????!!!!!", 60, 0, "pppppp" + "ppppF"),  # a longer one proves no duration
        ("!!!!!?????.", 60, 0, "ppppFFFFFFr"),
    ],
)
def test_given_verdicts_then_these_states(verdicts: str, minimum: int, cool_down: int, states: str) -> None:
    assert run(verdicts, Rules(timedelta(seconds=minimum), timedelta(seconds=cool_down))) == states


def test_given_the_worker_was_away_then_a_pending_watch_begins_anew_and_a_firing_one_goes_on() -> None:
    rules = Rules(timedelta(minutes=5))
    later = NOON + timedelta(hours=1)

    pending = advance(Status(State.PENDING, NOON, NOON), Verdict.BREACHED, rules, later)
    firing = advance(Status(State.FIRING, NOON, NOON), Verdict.BREACHED, rules, later)

    assert pending == Status(State.PENDING, later, later)
    assert firing == Status(State.FIRING, NOON, later)


@pytest.mark.parametrize(
    ("before", "after", "told", "snoozed", "expected"),
    [
        (State.OK, State.FIRING, False, False, Notice.FIRING),
        (State.OK, State.FIRING, False, True, None),
        (State.FIRING, State.FIRING, True, False, None),
        (State.FIRING, State.FIRING, False, False, Notice.FIRING),  # the snooze is over
        (State.FIRING, State.FIRING, False, True, None),
        (State.FIRING, State.RESOLVED, True, False, Notice.RESOLVED),
        (State.FIRING, State.RESOLVED, True, True, None),
        (State.FIRING, State.RESOLVED, False, False, None),  # nobody knows that it fired
        (State.RESOLVED, State.OK, False, False, None),
        (State.OK, State.PENDING, False, False, None),
    ],
)
def test_given_a_change_then_this_is_told(
    before: State, after: State, told: bool, snoozed: bool, expected: Notice | None
) -> None:
    assert notice(before, after, told=told, snoozed=snoozed) == expected


seconds = st.integers(0, 300).map(lambda count: timedelta(seconds=count))
evaluations = st.lists(st.tuples(seconds, st.sampled_from(list(Verdict))), max_size=60)


def history(steps: list[tuple[timedelta, Verdict]], rules: Rules) -> list[tuple[datetime, Verdict, Status]]:
    """The time, verdict and status of each evaluation, after some time each."""
    now, status, found = NOON, Status(State.OK, NOON), []
    for after, verdict in steps:
        now += after
        status = advance(status, verdict, rules, now)
        found.append((now, verdict, status))
    return found


def changes(found: list[tuple[datetime, Verdict, Status]]) -> list[tuple[datetime, str]]:
    """When it fired and when it was over."""
    states = [(NOON, State.OK), *((now, status.state) for now, _, status in found)]
    return [
        (now, "fired" if after is State.FIRING else "over")
        for (_, before), (now, after) in pairwise(states)
        if (before is State.FIRING) != (after is State.FIRING)
    ]


@given(evaluations, st.builds(Rules, seconds, seconds))
def test_given_any_history_then_it_never_fires_twice_without_an_end_and_cools_down(
    steps: list[tuple[timedelta, Verdict]], rules: Rules
) -> None:
    told = changes(history(steps, rules))

    assert [what for _, what in told] == [("fired", "over")[number % 2] for number in range(len(told))]
    for (over, _), (fired, what) in pairwise(told):
        if what == "fired":
            assert fired - over >= rules.cool_down


@given(evaluations, st.builds(Rules, seconds, seconds))
def test_given_any_history_then_it_fires_after_its_minimum_without_a_gap_or_a_doubt(
    steps: list[tuple[timedelta, Verdict]], rules: Rules
) -> None:
    found = history(steps, rules)

    for fired, what in changes(found):
        known = [(now, verdict) for now, verdict, _ in found if verdict is not Verdict.UNKNOWN]
        place = (
            next(number for number, (now, _) in enumerate(known) if now == fired) if what == "fired" else None
        )
        if place is None:
            continue
        held = fired
        for (earlier, verdict), (later, _) in reversed(list(pairwise(known[: place + 1]))):
            if verdict is not Verdict.BREACHED or later - earlier > LONGEST_GAP:
                break
            held = earlier
        assert fired - held >= rules.minimum


@given(evaluations, st.builds(Rules, seconds, seconds))
def test_given_any_history_then_only_a_cleared_condition_ends_and_only_a_breached_one_begins(
    steps: list[tuple[timedelta, Verdict]], rules: Rules
) -> None:
    before = State.OK
    for _, verdict, status in history(steps, rules):
        if before is not State.FIRING and status.state is State.FIRING:
            assert verdict is Verdict.BREACHED
        if before is State.FIRING and status.state is not State.FIRING:
            assert (verdict, status.state) == (Verdict.CLEARED, State.RESOLVED)
        before = status.state
