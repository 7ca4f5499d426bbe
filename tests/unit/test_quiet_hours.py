"""Quiet hours: by the clock of a time zone, over midnight, weekends and changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from beatline.notifications.preferences import QuietHours, send_at

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
BERLIN = "Europe/Berlin"


def hours(
    start: str, end: str, zone: str = BERLIN, days: list[int] | None = None, *, critical: bool = True
) -> QuietHours:
    """Quiet hours."""
    return QuietHours(time.fromisoformat(start), time.fromisoformat(end), zone, days or EVERY_DAY, critical)


def local(text: str, zone: str = BERLIN) -> datetime:
    """A time of a zone; of one that the clock shows twice the first, with * the second."""
    at = datetime.fromisoformat(text.rstrip("*")).replace(tzinfo=ZoneInfo(zone), fold=text.endswith("*"))
    return at.astimezone(UTC)


NIGHT = hours("22:00", "07:00")
NOON_REST = hours("12:00", "13:00")
WORKDAY_NIGHTS = hours("22:00", "07:00", days=[1, 2, 3, 4])
WEEKEND = hours("00:00", "00:00", days=[6, 7])  # whole days
EARLY = hours("01:30", "02:30")
# quiet hours, now, when it is sent. 2026-03-04 is a Wednesday; clocks change on 29 March and on 25 October.
CASES: dict[str, tuple[QuietHours, str, str]] = {
    "before": (NIGHT, "2026-03-04T21:59:59", "2026-03-04T21:59:59"),
    "at the start": (NIGHT, "2026-03-04T22:00", "2026-03-05T07:00"),
    "after midnight": (NIGHT, "2026-03-05T03:00", "2026-03-05T07:00"),
    "at the end": (NIGHT, "2026-03-05T07:00", "2026-03-05T07:00"),
    "on one day": (NOON_REST, "2026-03-04T12:30", "2026-03-04T13:00"),
    "on one day, after": (NOON_REST, "2026-03-04T13:30", "2026-03-04T13:30"),
    "begun on a day of theirs": (WORKDAY_NIGHTS, "2026-03-06T03:00", "2026-03-06T07:00"),
    "begun on another day": (WORKDAY_NIGHTS, "2026-03-07T03:00", "2026-03-07T03:00"),
    "one after the other": (WEEKEND, "2026-03-07T10:00", "2026-03-09T00:00"),
    "the night in which the clock goes forward": (NIGHT, "2026-03-28T23:00", "2026-03-29T07:00"),
    "the night in which it goes back": (NIGHT, "2026-10-24T23:00", "2026-10-25T07:00"),
    "an end that the clock skips": (EARLY, "2026-03-29T01:45", "2026-03-29T03:30"),
    "an end that it shows twice": (EARLY, "2026-10-25T02:15", "2026-10-25T02:30*"),
    "its second showing": (EARLY, "2026-10-25T02:15*", "2026-10-25T02:30*"),
    "after its second showing": (EARLY, "2026-10-25T02:45*", "2026-10-25T02:45*"),
}


@pytest.mark.parametrize(("quiet", "now", "expected"), CASES.values(), ids=CASES)
def test_what_comes_in_quiet_hours_is_sent_at_their_end(quiet: QuietHours, now: str, expected: str) -> None:
    assert send_at(quiet, "warning", local(now)) == local(expected)


def test_the_clock_is_that_of_the_time_zone() -> None:
    quiet = hours("22:00", "07:00", "Asia/Kathmandu")  # UTC+5:45
    assert send_at(quiet, "info", datetime(2026, 3, 4, 17, 0, tzinfo=UTC)) == local(
        "2026-03-05T07:00", "Asia/Kathmandu"
    )


@pytest.mark.parametrize(
    ("severity", "passes", "is_sent"),
    [("critical", True, True), ("critical", False, False), ("warning", True, False), ("info", False, False)],
)
def test_what_is_critical_passes_if_somebody_wants_it(severity: str, passes: bool, is_sent: bool) -> None:
    now = local("2026-03-04T23:00")
    assert (send_at(hours("22:00", "07:00", critical=passes), severity, now) == now) == is_sent


def test_without_quiet_hours_it_is_sent_now() -> None:
    now = local("2026-03-04T23:00")
    assert send_at(None, "info", now) == now


@pytest.mark.parametrize(
    ("quiet", "for_ever"),
    [(hours("00:00", "00:00"), True), (hours("08:00", "08:00"), True), (NIGHT, False), (WEEKEND, False)],
)
def test_quiet_hours_that_never_end_are_known(quiet: QuietHours, for_ever: bool) -> None:
    assert quiet.is_for_ever == for_ever
