"""The bounds of rolling windows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beatline.analytics.windows import PAGES, days_between, minutes_of

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(TIMES, TIMES)
def test_whole_minutes_and_edges_cover_the_window_exactly(now: datetime, ts: datetime) -> None:
    ts = now - (ts - now) % timedelta(minutes=20) + timedelta(minutes=2)
    window = minutes_of(now, PAGES)
    in_minutes = window["first_minute"] <= ts.replace(second=0, microsecond=0) < window["minutes_end"]
    at_start = window["since"] < ts < window["first_minute"]
    beyond = window["until"] < ts < window["minutes_end"]

    assert in_minutes + at_start - beyond == (now - PAGES < ts <= now)


def test_the_last_day_there_is_can_be_asked_for() -> None:
    assert days_between(date(2025, 5, 1), date.max)["stop"].year == 9999
