"""The macros give what Grafana documents and what its own tests (macros_test.go) expect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.grafana.macros import Fill, MacroError, TimeRange, expand, format_interval, parse_interval

FIVE_MINUTES = TimeRange(datetime(2018, 4, 12, 18, 0, tzinfo=UTC), datetime(2018, 4, 12, 18, 5, tzinfo=UTC))
OLD = TimeRange(datetime(1960, 2, 1, 7, 0, tzinfo=UTC), datetime(1980, 2, 3, 8, 0, 0, 500_000, tzinfo=UTC))

GRAFANAS_OWN = [
    ("select $__time(time_column)", 'select time_column AS "time"'),
    ("select min($__time(time_column))", 'select min(time_column AS "time")'),
    ("$__timeEpoch(dateColumn)", 'extract(epoch from dateColumn) as "time"'),
    (
        "WHERE $__timeFilter(time_column)",
        "WHERE time_column BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z'",
    ),
    ("select $__timeFrom()", "select '2018-04-12T18:00:00Z'"),
    ("select $__timeTo()", "select '2018-04-12T18:05:00Z'"),
    ("SELECT $__timeGroup(time_column,'5m')", "SELECT floor(extract(epoch from time_column)/300)*300"),
    (
        "SELECT $__timeGroupAlias(time_column,'5m')",
        'SELECT floor(extract(epoch from time_column)/300)*300 AS "time"',
    ),
    (
        "SELECT $__timeGroup(time_column,'5m'), value",
        'SELECT floor(extract(epoch from time_column)/300)*300 AS "time", value',
    ),
    (
        "SELECT $__timeGroup(time_column,'5m') as time, value",
        "SELECT floor(extract(epoch from time_column)/300)*300 as time, value",
    ),
    ("$__timeGroup(time_column , '5m')", "floor(extract(epoch from time_column)/300)*300"),
    ("$__timeGroup(t,'12d')", "floor(extract(epoch from t)/1.0368e+06)*1.0368e+06"),
    ("select $__unixEpochFilter(time)", "select time >= 1523556000 AND time <= 1523556300"),
    (
        "select $__unixEpochNanoFilter(time)",
        "select time >= 1523556000000000000 AND time <= 1523556300000000000",
    ),
    ("select $__unixEpochNanoFrom()", "select 1523556000000000000"),
    ("select $__unixEpochNanoTo()", "select 1523556300000000000"),
    ("select $__unixEpochFrom(), $__unixEpochTo()", "select 1523556000, 1523556300"),
    ("SELECT $__unixEpochGroup(a+b,'5m')", "SELECT floor((a+b)/300)*300"),
    ("SELECT $__unixEpochGroupAlias(a+b,'5m')", 'SELECT floor((a+b)/300)*300 AS "time"'),
    ("$__timeGroup(t, '$__interval')", "floor(extract(epoch from t)/60)*60"),
    ("select $__interval_ms, '$__interval'", "select 60000, '1m'"),
    ("select 1", "select 1"),
]
WITH_TIMESCALEDB = [
    ("GROUP BY $__timeGroup(time_column,'5m')", "GROUP BY time_bucket('300.000s',time_column)"),
    ("GROUP BY $__timeGroup(time_column , '5m')", "GROUP BY time_bucket('300.000s',time_column)"),
    ("GROUP BY $__timeGroup(time_column , '12d')", "GROUP BY time_bucket('1036800.000s',time_column)"),
    ("GROUP BY $__timeGroup(time_column , '20ms')", "GROUP BY time_bucket('0.020s',time_column)"),
    ("$__timeGroupAlias(t, '5m', 0)", "time_bucket('300.000s',t) AS \"time\""),
    ("$__unixEpochGroup(t,'5m')", "floor((t)/300)*300"),
]


@pytest.mark.parametrize(("statement", "expected"), GRAFANAS_OWN)
def test_macros_expand_as_in_grafanas_own_tests(statement: str, expected: str) -> None:
    """With the data source's timescaledb off."""
    assert expand(statement, FIVE_MINUTES, timescaledb=False).sql == expected


@pytest.mark.parametrize(("statement", "expected"), WITH_TIMESCALEDB)
def test_time_groups_are_time_buckets_with_timescaledb(statement: str, expected: str) -> None:
    """With the data source's timescaledb on; epochs stay arithmetic."""
    assert expand(statement, FIVE_MINUTES).sql == expected


def test_times_before_1970_and_with_a_fraction() -> None:
    """Grafana's own case of 1960 to 1980, half a second past."""
    filtered = expand("$__timeFilter(t)", OLD).sql
    assert filtered == "t BETWEEN '1960-02-01T07:00:00Z' AND '1980-02-03T08:00:00.5Z'"
    assert expand("$__unixEpochFilter(t)", OLD).sql == "t >= -312915600 AND t <= 318412800"


FIVE = timedelta(minutes=5)
FILLS = [
    ("$__timeGroup(t,'5m',0)", Fill(FIVE, "value", 0.0)),
    ("$__timeGroup(t,'5m',1.5)", Fill(FIVE, "value", 1.5)),
    ("$__timeGroup(t,'5m',NULL)", Fill(FIVE, "null")),
    ("$__timeGroupAlias(t,'5m',previous)", Fill(FIVE, "previous")),
    ("$__unixEpochGroup(t,'5m',NULL)", Fill(FIVE, "null")),
    ("$__timeGroup(t,'5m')", None),
]


@pytest.mark.parametrize(("statement", "fill"), FILLS)
@pytest.mark.parametrize("timescaledb", [True, False])
def test_a_third_argument_asks_for_a_fill(statement: str, fill: Fill | None, timescaledb: bool) -> None:
    """It is Grafana that fills, so it is the same with and without time_bucket."""
    assert expand(statement, FIVE_MINUTES, timescaledb=timescaledb).fill == fill


REFUSED = [
    ("$__timeGroup(t)", "macro __timeGroup needs time column and interval"),
    ("$__timeGroup(t,'sometimes')", "error parsing interval 'sometimes'"),
    ("$__timeGroup(t,'5m',zero)", "error parsing fill value zero"),
    ("$__timeFiter(t)", 'unknown macro "__timeFiter"'),
    ("$1(t)", 'unknown macro "1"'),
]


@pytest.mark.parametrize(("statement", "message"), REFUSED)
def test_what_grafana_refuses(statement: str, message: str) -> None:
    """Before the database sees it."""
    with pytest.raises(MacroError, match=message):
        expand(statement, FIVE_MINUTES)


def test_an_argument_ends_at_the_first_closing_parenthesis() -> None:
    """A call inside of a macro is torn apart, as it is in Grafana."""
    torn = expand("$__timeFilter(least(a, b)) and c", FIVE_MINUTES).sql
    assert torn == "least(a BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z') and c"


INTERVALS = [("500ms", 0.5), ("15s", 15), ("1m", 60), ("2h", 7200), ("1d", 86400), ("7d", 604800)]


@pytest.mark.parametrize(("text", "seconds"), INTERVALS)
def test_intervals_are_read_as_they_are_shown(text: str, seconds: float) -> None:
    """FormatInterval and ParseInterval of Grafana's SDK."""
    assert parse_interval(text) == timedelta(seconds=seconds)
    assert format_interval(timedelta(seconds=seconds)) == text
