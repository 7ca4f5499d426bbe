"""Reports in plain words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from beatline.analytics.event_log import Operator
from beatline.reports.definition import By, Condition, Conditions, Definition, Grouping, Kind, Measure
from beatline.reports.periods import Last, Period, Rolling, This, Unit
from beatline.reports.words import filter_words, period_words, span_words, title_words

WEEK = Last(7, Unit.DAY)
SUMMER, WINTER = timezone(timedelta(hours=2)), timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (Definition(WEEK), "Events"),
        (Definition(WEEK, Measure(Kind.USERS), Unit.DAY), "Users per day"),
        (Definition(WEEK, Measure(Kind.SUM, "cart.total"), groupings=[Grouping(By.PAGE)]),
         "Sum of cart.total, by page"),
        (Definition(WEEK, Measure(Kind.PERCENTILE, "ms", 95), Unit.HOUR,
                    [Grouping(By.EVENT_TYPE), Grouping(By.SEGMENT, "plan")]),
         "95th percentile of ms per hour, by event type and user trait plan"),
        (Definition(WEEK, Measure(Kind.PERCENTILE, "ms", 50), groupings=[Grouping(By.PROPERTY, "os")]),
         "Median of ms, by property os"),
    ],
)  # fmt: skip
def test_what_is_asked(definition: Definition, words: str) -> None:
    assert title_words(definition) == words


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (Conditions(), ["All events"]),
        (Conditions(event_types=["a"]), ["Event type is “a”"]),
        (Conditions(event_types=["a", "b", "c"], page_prefix="/shop"),
         ["Event type is “a”, “b” or “c”", "Page begins with “/shop”"]),
        (Conditions(user_id="u", session_id="s", device_id="d", anonymous_id="a", page_url="/"),
         ["User is “u”", "Anonymous id is “a”", "Session is “s”", "Device is “d”", "Page is “/”"]),
        (Conditions(properties=[Condition("plan", Operator.EQUALS, "3"), Condition("n", Operator.EQUALS, 3),
                                Condition("x", Operator.EQUALS, None)]),
         ["Property plan is “3”", "Property n is 3", "Property x is null"]),
        (Conditions(properties=[Condition("t", Operator.CONTAINS, "b")]), ["Property t contains “b”"]),
        (Conditions(properties=[Condition("a", Operator.EXISTS, True), Condition("b", Operator.EXISTS, False),
                                Condition("c", Operator.GREATER, 1.5), Condition("d", Operator.LESS, "z")]),
         ["Property a is there", "Property b is missing", "Property c is greater than 1.5",
          "Property d is less than “z”"]),
    ],
)  # fmt: skip
def test_filters(filters: Conditions, words: list[str]) -> None:
    assert filter_words(filters) == words


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Last(1, Unit.DAY), "Yesterday"), (WEEK, "Last 7 days"), (Last(1, Unit.MONTH), "Last month"),
        (This(Unit.DAY), "Today"), (This(Unit.YEAR), "This year"),
        (Rolling(24, Unit.HOUR), "The 24 hours until now"), (Rolling(1, Unit.HOUR), "The hour until now"),
    ],
)  # fmt: skip
def test_periods(period: Period, words: str) -> None:
    assert period_words(period) == words


def test_spans_are_days_where_they_can_be() -> None:
    days = span_words(
        datetime(2026, 10, 24, tzinfo=SUMMER), datetime(2026, 10, 26, tzinfo=WINTER), "Europe/Berlin"
    )
    day = span_words(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC), "UTC")
    hours = span_words(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, 9, 5, tzinfo=UTC), "UTC")

    assert days == "24 October 2026 to 25 October 2026 (Europe/Berlin)"
    assert day == "1 March 2026 (UTC)"
    assert hours == "1 March 2026 00:00 to 1 March 2026 09:05 (UTC)"
