"""Periods of reports: which time they are, what they are compared with, and points across clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from beatline.reports.periods import (
    GRAINS,
    Fixed,
    Last,
    Period,
    Rolling,
    Span,
    This,
    Unit,
    local,
    next_start,
    points_of,
    previous,
    resolve,
    unit_start,
)  # fmt: skip

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 4, 2, 10, 30, tzinfo=UTC)  # a Thursday, 12:30 in Berlin
PLACES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Havana", "Africa/Cairo", "America/St_Johns"]


def berlin(text: str) -> datetime:
    """A time of Berlin's clocks in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


PERIODS: list[tuple[Period, str, str, str]] = [
    (Last(1, Unit.DAY), "2026-04-01", "2026-04-02", "2026-03-31"),
    (Last(7, Unit.DAY), "2026-03-26", "2026-04-02", "2026-03-19"),  # one of them has 23 hours
    (Last(1, Unit.WEEK), "2026-03-23", "2026-03-30", "2026-03-16"),
    (Last(1, Unit.MONTH), "2026-03-01", "2026-04-01", "2026-02-01"),
    (Last(3, Unit.MONTH), "2026-01-01", "2026-04-01", "2025-10-01"),
    (Last(1, Unit.YEAR), "2025-01-01", "2026-01-01", "2024-01-01"),
    (Last(2, Unit.HOUR), "2026-04-02T10:00", "2026-04-02T12:00", "2026-04-02T08:00"),
    (This(Unit.DAY), "2026-04-02", "2026-04-02T12:30", "2026-04-01"),
    (This(Unit.WEEK), "2026-03-30", "2026-04-02T12:30", "2026-03-23"),
    (This(Unit.MONTH), "2026-04-01", "2026-04-02T12:30", "2026-03-01"),
    (This(Unit.YEAR), "2026-01-01", "2026-04-02T12:30", "2025-01-01"),
    (Rolling(24, Unit.HOUR), "2026-04-01T12:30", "2026-04-02T12:30", "2026-03-31T12:30"),
    (Rolling(7, Unit.DAY), "2026-03-26T12:30", "2026-04-02T12:30", "2026-03-19T12:30"),
    (Rolling(1, Unit.MONTH), "2026-03-02T12:30", "2026-04-02T12:30", "2026-02-02T12:30"),
    (Fixed(datetime(2026, 3, 23), datetime(2026, 3, 30)), "2026-03-23", "2026-03-30", "2026-03-16"),
]
LAST_OF_THIS_BEFORE = {
    Unit.DAY: "2026-04-01T12:30", Unit.WEEK: "2026-03-26T12:30", Unit.MONTH: "2026-03-02T12:30",
    Unit.YEAR: "2025-04-02T12:30",
}  # fmt: skip


@pytest.mark.parametrize(("period", "since", "until", "before"), PERIODS)
def test_a_period_is_this_time_in_berlin_and_compared_with_the_one_before(
    period: Period, since: str, until: str, before: str
) -> None:
    span = resolve(period, BERLIN, NOW)
    assert span == Span(berlin(since), berlin(until))

    until_before = LAST_OF_THIS_BEFORE[period.unit] if isinstance(period, This) else since
    assert previous(period, span, BERLIN) == Span(berlin(before), berlin(until_before))


def test_a_running_month_is_compared_with_as_much_of_a_shorter_one() -> None:
    now = berlin("2026-03-31T18:00")
    span = resolve(This(Unit.MONTH), BERLIN, now)

    assert previous(This(Unit.MONTH), span, BERLIN) == Span(berlin("2026-02-01"), berlin("2026-02-28T18:00"))


def test_a_fixed_period_with_offsets_is_what_it_says() -> None:
    period = Fixed(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    assert resolve(period, BERLIN, NOW) == Span(period.since, period.until)


def test_the_day_that_clocks_go_forward_has_23_hours_and_the_one_back_25() -> None:
    for day, hours, offsets in (
        ("2026-03-29", 23, {1, 2}),
        ("2026-10-25", 25, {2, 1}),
        ("2026-06-01", 24, {2}),
    ):
        start = berlin(day)
        span = Span(start, unit_start(start + timedelta(hours=36), Unit.DAY, BERLIN))
        labels = [local(label, BERLIN) for label in points_of(span, Unit.HOUR, BERLIN).labels]

        assert len(labels) == len(set(labels)) == hours
        assert {label.utcoffset() for label in labels} == {timedelta(hours=offset) for offset in offsets}
        assert len(points_of(span, Unit.DAY, BERLIN).labels) == 1


def test_days_weeks_and_months_begin_at_midnight_across_clock_changes() -> None:
    span = Span(berlin("2026-03-27T15:00"), berlin("2026-04-02T01:00"))
    days = points_of(span, Unit.DAY, BERLIN)

    assert days.labels == [berlin(f"2026-03-{day}") for day in range(27, 32)] + [
        berlin("2026-04-01"), berlin("2026-04-02")
    ]  # fmt: skip
    assert days.starts == [span.since, *days.labels[1:]]
    assert points_of(span, Unit.WEEK, BERLIN).labels == [berlin("2026-03-23"), berlin("2026-03-30")]
    assert points_of(span, Unit.MONTH, BERLIN).labels == [berlin("2026-03-01"), berlin("2026-04-01")]
    assert points_of(span, None, BERLIN).starts == [span.since]


@pytest.mark.parametrize("place", [*PLACES, "Australia/Lord_Howe", "America/Sao_Paulo"])
def test_points_follow_one_another_without_gaps_and_hold_their_time(place: str) -> None:
    zone, chosen = ZoneInfo(place), Random(1)
    for _ in range(200):
        at = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=chosen.randrange(12 * 365 * 86_400))
        for grain in GRAINS:
            start = unit_start(at, grain, zone)
            labels = points_of(
                Span(start, start + timedelta(days=40 if grain not in GRAINS[:1] else 1)), grain, zone
            )
            assert labels.labels == sorted(set(labels.labels))
            assert start <= at
            if place != "Australia/Lord_Howe" or grain is not Unit.HOUR:  # half an hour
                assert at < next_start(start, grain, zone)
