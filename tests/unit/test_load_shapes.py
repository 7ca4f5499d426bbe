"""Load shapes, what they make of users, the seeded history's arithmetic, and thresholds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loadtest import audit, seeding, shapes, thresholds
from loadtest.shapes import SHAPES, Stage

STEPS = (Stage(10, 50), Stage(5, 500))


@pytest.mark.parametrize(
    ("seconds", "rate"),
    [(0, 50), (9.9, 50), (10, 500), (14.9, 500), (15, None), (1_000, None)],
)
def test_given_a_shape_then_the_rate_is_that_of_its_stage(seconds: float, rate: float | None) -> None:
    assert shapes.rate_at(STEPS, seconds) == rate


@pytest.mark.parametrize("name", SHAPES)
def test_given_each_shape_then_it_loads_from_its_start_to_its_end(name: str) -> None:
    shape = SHAPES[name]

    assert shapes.rate_at(shape, 0) == shape[0].rate
    assert shapes.rate_at(shape, shapes.duration(shape) - 0.01) == shape[-1].rate
    assert all(stage.seconds > 0 and stage.rate > 0 for stage in shape)


def test_given_the_shape_of_a_spike_then_it_is_ten_times_the_rate_around_it() -> None:
    before, spike, after = (stage.rate for stage in SHAPES["spike"])

    assert (before, spike) == (after, 10 * after)


def test_given_the_shape_for_ci_then_it_takes_less_than_three_minutes_with_start_and_end() -> None:
    assert shapes.duration(SHAPES["short"]) <= 100


def test_given_a_share_of_a_shape_then_rates_stay_and_no_stage_disappears() -> None:
    assert shapes.shortened(STEPS, 0.3) == (Stage(3, 50), Stage(2, 500))


@pytest.mark.parametrize(("rate", "users"), [(0, 7), (1, 8), (2, 8), (3, 9), (100, 57)])
def test_given_a_rate_then_there_are_as_many_users_as_make_it(rate: float, users: int) -> None:
    assert shapes.users_for(rate, events_a_user=2, others=7) == users


def test_given_a_history_then_its_answers_follow_from_its_size() -> None:
    found = seeding.expected(datetime(2026, 5, 29, tzinfo=UTC), events_a_day=1_000)

    assert (found["first_day"], found["last_day"]) == ("2026-05-01", "2026-05-28")
    assert found["by_type_a_day"] == {"page_view": 600, "click": 300, "search": 100}
    assert found["users"] * found["events_of_a_user"] == 28_000


def row(name: str = "browser_sdk POST /track", **changes: float) -> dict[str, Any]:
    return {
        "name": name, "requests": 100, "failed_share": 0.0, "p95_ms": 10.0, "p99_ms": 20.0, "max_ms": 30.0,
    } | changes  # fmt: skip


LIMITS = {"browser_sdk": {"p95_ms": 50.0, "failed_share": 0.0, "requests_at_least": 10}}


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        ([row()], []),
        ([row(p95_ms=50.0)], []),
        ([row(p95_ms=51.0)], ["browser_sdk POST /track: p95_ms is 51, at most 50 allowed"]),
        ([row(failed_share=0.01)], ["browser_sdk POST /track: failed_share is 0.01, at most 0 allowed"]),
        ([row(p99_ms=9_999.0)], []),
        ([row(requests=9)], ["browser_sdk: 9 requests, at least 10 wanted"]),
        ([row(requests=5), row("browser_sdk POST /v1/t", requests=5)], []),
        ([row(), row("dashboard_viewer GET /", failed_share=1.0)], []),
        ([row("dashboard_viewer GET /")], ["browser_sdk: made no request"]),
        ([], ["browser_sdk: made no request"]),
    ],
)
def test_given_statistics_then_each_broken_limit_is_named(
    rows: list[dict[str, Any]], broken: list[str]
) -> None:
    assert thresholds.breaches(LIMITS, rows) == broken


def test_given_the_table_then_every_kind_of_user_has_limits_and_no_failure_is_allowed() -> None:
    table = thresholds.read()

    kinds = {path.stem for path in Path(thresholds.__file__).with_name("users").glob("*_*.py")} - {"__init__"}
    assert set(table) == kinds
    assert all(limits["failed_share"] == 0 for limits in table.values())


def test_given_only_faults_count_then_times_do_not() -> None:
    assert thresholds.faults_only(LIMITS) == {"browser_sdk": {"failed_share": 0.0, "requests_at_least": 10}}


def test_given_a_limit_that_nobody_checks_then_the_table_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "thresholds.toml"
    table.write_text("[browser_sdk]\np90_ms = 5\n")

    with pytest.raises(ValueError, match="nobody checks p90_ms"):
        thresholds.read(table)


@pytest.mark.parametrize(
    ("cpu", "warned", "busy"),
    [
        ([], False, False),
        ([0.5] * 20, False, False),
        ([0.5] * 20, True, True),
        ([0.5] * 19 + [0.95], False, False),
        ([0.5] * 18 + [0.95] * 2, False, True),
    ],
)
def test_given_the_generator_has_no_time_left_then_it_was_the_bottleneck(
    cpu: list[float], warned: bool, busy: bool
) -> None:
    assert thresholds.generator_was_busy(cpu, warned) is busy


def test_given_an_audit_then_only_faults_are_named() -> None:
    found = {"acknowledged": 5, "stored": 6, "lost": 2, "doubled": 0, "unheard_of": 1, "shown_only": 0}

    assert audit.faults(found) == [
        "2 acknowledged events are not stored",
        "1 stored events were sent by nobody",
    ]


@pytest.mark.parametrize(
    ("events_a_day", "users", "events_of_a_user", "regulars"),
    [(500, 700, 20, 0), (10_000, 14_000, 20, 0), (100_000, 50_000, 40, 40_000)],
)
def test_given_a_history_then_all_its_events_are_expected_of_its_users(
    events_a_day: int, users: int, events_of_a_user: int, regulars: int
) -> None:
    expected = seeding.expected(datetime(2026, 3, 4, tzinfo=UTC), events_a_day)

    found = (expected["users"], expected["events_of_a_user"], expected["regulars"])
    assert found == (users, events_of_a_user, regulars)
    more = regulars * expected["events_of_a_visit"]
    assert users * events_of_a_user + more == events_a_day * seeding.DAYS
