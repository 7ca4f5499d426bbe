"""Partitions of events: every time has exactly one, whatever order the events come in."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beatline.settings import Settings
from tests.fixtures.storage import assert_counts_agree, count, lock_waiters, wait_until
from workers.maintenance import PARTITIONS_AHEAD, drop_expired_events, make_partitions

TODAY = datetime(2026, 3, 4, 12, 34, 56, tzinfo=UTC)
DAY = timedelta(days=1)
BEFORE_1970 = "-infinity"

Bounds: TypeAlias = tuple[str, str]


def at(*parts: int) -> datetime:
    """A time in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def make(connection: psycopg.Connection, ts: datetime, today: datetime = TODAY) -> bool:
    """Make the partition of a time; whether there was none."""
    row = connection.execute("select make_event_partition(%s, %s)", [ts, today]).fetchone()
    return bool(row and row[0])


def partitions(connection: psycopg.Connection) -> list[Bounds]:
    """(lower, upper) of every partition, in order; those at midnight without their time."""
    connection.execute("set timezone to 'UTC'")
    rows = connection.execute("select lower::text, upper::text from event_partitions order by lower")
    return [(short(lower), short(upper)) for lower, upper in rows]


def short(time: str) -> str:
    """2026-01-01 for midnight of that day."""
    return time.removesuffix(" 00:00:00+00")


def insert(connection: psycopg.Connection, ts: datetime) -> None:
    """Store an event."""
    connection.execute(
        "insert into events (project_id, event_id, ts, received_at, event_type)"
        " values (1, gen_random_uuid(), %s, now(), 'view')",
        [ts],
    )


@pytest.mark.parametrize(
    ("ts", "bounds"),
    [
        # A day for what is younger than 400 days, counted from the start of that month
        (TODAY, ("2026-03-04", "2026-03-05")),
        (at(2026, 3, 4), ("2026-03-04", "2026-03-05")),
        (at(2026, 3, 3, 23, 59, 59, 999_999), ("2026-03-03", "2026-03-04")),
        (at(2026, 3, 5), ("2026-03-05", "2026-03-06")),
        (at(2199, 12, 31, 23), ("2199-12-31", "2200-01-01")),
        (at(2025, 1, 1), ("2025-01-01", "2025-01-02")),
        # A month for what is younger than five years, counted from the start of that year
        (at(2024, 12, 31, 23, 59, 59, 999_999), ("2024-12-01", "2025-01-01")),
        (at(2024, 2, 29), ("2024-02-01", "2024-03-01")),
        (at(2021, 1, 1), ("2021-01-01", "2021-02-01")),
        # A year for what is older, and one for all before 1970
        (at(2020, 12, 31, 23, 59, 59, 999_999), ("2020-01-01", "2021-01-01")),
        (at(2001, 2, 3), ("2001-01-01", "2002-01-01")),
        (at(1970, 1, 1), ("1970-01-01", "1971-01-01")),
        (at(1969, 12, 31, 23, 59, 59, 999_999), (BEFORE_1970, "1970-01-01")),
        (at(1, 1, 1), (BEFORE_1970, "1970-01-01")),
    ],
)
def test_a_partition_is_a_day_a_month_or_a_year_by_its_age(
    connection: psycopg.Connection, ts: datetime, bounds: Bounds
) -> None:
    assert make(connection, ts)
    assert partitions(connection) == [bounds]
    assert not make(connection, ts)
    insert(connection, ts)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/St_Johns", "UTC"])
@pytest.mark.parametrize("style", ["ISO, MDY", "German, DMY", "SQL, DMY", "Postgres, MDY"])
def test_bounds_do_not_depend_on_the_session(connection: psycopg.Connection, zone: str, style: str) -> None:
    connection.execute("select set_config('timezone', %s, false)", [zone])
    connection.execute("select set_config('datestyle', %s, false)", [style])
    times = [at(2026, 3, 4, 23, 59), at(2026, 3, 5), at(2024, 1, 1), at(2012, 12, 31, 23, 59), at(1950, 1, 1)]
    assert [make(connection, ts) for ts in times] == [True] * 5
    assert [make(connection, ts) for ts in times] == [False] * 5

    connection.execute("set datestyle to 'ISO, MDY'")
    assert partitions(connection) == [
        (BEFORE_1970, "1970-01-01"),
        ("2012-01-01", "2013-01-01"),
        ("2024-01-01", "2024-02-01"),
        ("2026-03-04", "2026-03-05"),
        ("2026-03-05", "2026-03-06"),
    ]


def test_a_new_partition_is_cut_to_the_gap_between_its_neighbours(connection: psycopg.Connection) -> None:
    """What once got days lies in a month of its own a year later, and in a year after five."""
    steps = [
        (at(2025, 6, 10), at(2025, 6, 10), ("2025-06-10", "2025-06-11")),
        (at(2025, 6, 20), at(2025, 6, 20), ("2025-06-20", "2025-06-21")),
        (at(2025, 6, 15), at(2027, 6, 1), ("2025-06-11", "2025-06-20")),
        (at(2025, 6, 30), at(2027, 6, 1), ("2025-06-21", "2025-07-01")),
        (at(2025, 3, 3), at(2032, 1, 1), ("2025-01-01", "2025-06-10")),
        (at(2025, 9, 1), at(2032, 1, 1), ("2025-07-01", "2026-01-01")),
    ]
    for ts, today, _ in steps:
        assert make(connection, ts, today)
        insert(connection, ts)

    assert partitions(connection) == sorted(bounds for _, _, bounds in steps)


def test_a_day_of_a_month_that_exists_needs_none(connection: psycopg.Connection) -> None:
    assert make(connection, at(2024, 5, 5))
    assert not make(connection, at(2024, 5, 31, 23), today=at(2024, 6, 1))


def test_two_sessions_make_one_partition(
    connection: psycopg.Connection, postgres_url: str, owner_url: str
) -> None:
    with psycopg.connect(postgres_url) as first, ThreadPoolExecutor() as pool:
        assert make(first, TODAY)
        second = pool.submit(make, connection, TODAY)
        with psycopg.connect(owner_url, autocommit=True) as observer:
            wait_until(lambda: lock_waiters(observer) != [])
        assert not second.done()
        first.commit()
        assert second.result(20) is False
    assert partitions(connection) == [("2026-03-04", "2026-03-05")]


def test_a_partition_is_made_while_readers_and_writers_go_on(
    connection: psycopg.Connection, postgres_url: str
) -> None:
    make(connection, TODAY)
    with psycopg.connect(postgres_url) as writer, psycopg.connect(postgres_url) as reader:
        insert(writer, TODAY)
        reader.execute("select count(*) from events")
        connection.execute("set lock_timeout to '5s'")
        assert make(connection, TODAY + DAY)
        insert(writer, TODAY + DAY)
        writer.commit()
    assert count(connection, "events") == 2


def test_the_schedule_makes_the_days_of_the_coming_week(
    connection: psycopg.Connection, workers_url: str
) -> None:
    for _ in range(2):
        make_partitions(Settings(database_url=workers_url), TODAY)

    days = [TODAY.date() + number * DAY for number in range(PARTITIONS_AHEAD.days + 2)]
    assert partitions(connection) == [(str(day), str(next_day)) for day, next_day in pairwise(days)]


@pytest.mark.parametrize(
    ("retention_days", "kept"),
    [
        (None, [1950, 2001, 2024, 2025, 2026]),
        (400, [2025, 2026]),
        (30, [2026]),
        (10_000, [2001, 2024, 2025, 2026]),
    ],
)
def test_retention_drops_whole_partitions_and_the_aggregates_keep_what_they_counted(
    connection: psycopg.Connection, workers_url: str, retention_days: int | None, kept: list[int]
) -> None:
    times = [at(1950, 1, 1), at(2001, 1, 1), at(2024, 5, 5), at(2025, 5, 5), TODAY]
    for ts in times:
        make(connection, ts)
        insert(connection, ts)
    assert_counts_agree(connection)

    drop_expired_events(Settings(database_url=workers_url, retention_days=retention_days), TODAY)

    years = connection.execute("select extract(year from ts)::int from events order by ts").fetchall()
    assert [year for (year,) in years] == kept
    assert len(partitions(connection)) == len(kept)
    for table in ("events_by_minute", "events_by_hour", "events_by_day"):
        assert connection.execute(f"select sum(events) from {table}").fetchone() == (5,)


def test_retention_keeps_a_partition_that_also_holds_younger_events(connection: psycopg.Connection) -> None:
    make(connection, at(2024, 5, 5))
    for before, dropped in [(at(2024, 5, 31, 23, 59), 0), (at(2024, 6, 1), 1)]:
        assert connection.execute("select drop_event_partitions(%s)", [before]).fetchone() == (dropped,)


times = st.datetimes(
    datetime(1900, 1, 1), datetime(2199, 12, 31, 23, 59, 59, 999_999), timezones=st.just(UTC)
)
edges = st.builds(
    lambda year, month, microseconds: at(year, month, 1) + timedelta(microseconds=microseconds),
    st.integers(1960, 2040),
    st.integers(1, 12),
    st.sampled_from([-1, 0, 1]),
)
recent = st.integers(-3_000, 3_000).map(lambda days: TODAY + days * DAY)
arrivals = st.tuples(times | edges | recent, edges | recent)  # ts, today


@pytest.fixture
def rolled_back(owner_url: str) -> Iterator[psycopg.Connection]:
    """A connection in whose transactions nothing stays."""
    with psycopg.connect(owner_url) as connection:
        yield connection
        connection.rollback()


OVERLAPPING = """
    select a.name, b.name from event_partitions a join event_partitions b
    on a.name < b.name and a.lower < b.upper and b.lower < a.upper"""
OUTSIDE = """
    select name, ts from events join event_partitions on name = events.tableoid::regclass::text
    where ts < lower or ts >= upper"""
HOLDING = "select count(*) from event_partitions where lower <= %(ts)s and %(ts)s < upper"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(arrivals, min_size=1, max_size=10))
def test_every_time_has_exactly_one_partition_and_none_overlap(
    rolled_back: psycopg.Connection, arrived: list[tuple[datetime, datetime]]
) -> None:
    rolled_back.rollback()
    made = sum(make(rolled_back, ts, today) for ts, today in arrived)
    for ts, _ in arrived:
        insert(rolled_back, ts)

    assert count(rolled_back, "event_partitions") == made
    assert count(rolled_back, "events") == len(arrived)
    assert rolled_back.execute(OVERLAPPING).fetchall() == []
    assert rolled_back.execute(OUTSIDE).fetchall() == []
    for ts, _ in arrived:
        assert rolled_back.execute(HOLDING, {"ts": ts}).fetchone() == (1,)
