"""What the database tells of itself, on both engines: sizes, how current aggregates are, connections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from beatline.storage.engine import POSTGRES, TIMESCALEDB
from tests.fixtures.rows import AGGREGATES, DAY, HOUR, MINUTE, Row, event, insert_events

NOW = datetime(2026, 3, 4, 12, 34, 56, tzinfo=UTC)
LONG_AGO = NOW - 3 * DAY
VIEWS = {
    "storage_sizes": {
        "relation": "text",
        "partitions": "bigint",
        "table_bytes": "bigint",
        "index_bytes": "bigint",
        "total_bytes": "bigint",
        "compressed_before_bytes": "bigint",
        "compressed_after_bytes": "bigint",
    },
    "aggregate_freshness": {
        "aggregate": "text",
        "materialized_to": "timestamp with time zone",
        "behind_seconds": "double precision",
        "gap_events": "bigint",
    },
    "connection_counts": {"state": "text", "connections": "bigint"},
    "slow_statements": {
        "query": "text",
        "calls": "bigint",
        "mean_ms": "double precision",
        "total_ms": "double precision",
        "rows": "bigint",
    },
}
# How long ago the only event was that is not materialised, and for how many seconds aggregates by minute,
# hour and day are behind. A minute is due two minutes after its end, an hour ten minutes, a day an hour.
BEHIND = {
    "now": (timedelta(0), 0, 0, 0),
    "the youngest minute that is not due": (2 * MINUTE, 0, 0, 0),
    "a minute that has just become due": (3 * MINUTE, 56, 0, 0),
    "a minute of the running hour": (34 * MINUTE, 31 * 60 + 56, 0, 0),
    "the last hour": (HOUR, 57 * 60 + 56, 24 * 60 + 56, 0),
    "yesterday": (13 * HOUR, 46_676, 44_696, 41_696),
}
FORGETFUL = {"pages_by_minute", "users_by_hour"}  # look at what became due in the last hour only


def freshness(connection: Connection, at: datetime) -> dict[str, Row]:
    """The rows of aggregate_freshness at a time, by aggregate."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute("select * from aggregate_freshness_at(%s)", [at]).fetchall()
    return {row["aggregate"]: row for row in found}


def gaps(connection: Connection, at: datetime) -> dict[str, int]:
    """The gaps that are not 0."""
    return {name: row["gap_events"] for name, row in freshness(connection, at).items() if row["gap_events"]}


def materialise(connection: Connection, engine: str, until: datetime) -> None:
    """Refresh all aggregates, on the engine that needs it."""
    if engine == TIMESCALEDB:
        for aggregate in AGGREGATES:
            call = "call refresh_continuous_aggregate(%s::regclass, null, %s::timestamptz)"
            connection.execute(call, [aggregate.name, until])


def sizes(connection: Connection) -> dict[str, Row]:
    """The rows of storage_sizes, by relation."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return {row["relation"]: row for row in cursor.execute("select * from storage_sizes").fetchall()}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_same_columns_on_both_engines(database: Connection, view: str) -> None:
    columns = """
        select attname, format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = %s::regclass and attnum > 0"""
    assert dict(database.execute(columns, [view]).fetchall()) == VIEWS[view]


def test_sizes_are_of_every_table_and_aggregate_once(database: Connection, engine: str) -> None:
    tables = """
        select relname from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition"""
    named = {name for (name,) in database.execute(tables)}
    stored = {aggregate.name for aggregate in AGGREGATES} - (
        {"users_by_day"} if engine == POSTGRES else set()
    )
    listed = [name for (name,) in database.execute("select relation from storage_sizes")]

    assert sorted(listed) == sorted(named | stored)


def test_sizes_grow_with_events_and_add_up(database: Connection, engine: str) -> None:
    before = sizes(database)["events"]
    days = [LONG_AGO, LONG_AGO + DAY, LONG_AGO + 2 * DAY]
    insert_events(database, [event(day, page_url=f"/{'x' * 200}") for day in days for _ in range(100)])
    after = sizes(database)

    made = (after["events"]["partitions"] or 0) - (before["partitions"] or 0)
    assert made == len(days)
    assert after["events"]["table_bytes"] >= before["table_bytes"] + 3 * 8192
    assert after["events"]["index_bytes"] > before["index_bytes"]
    for row in after.values():
        assert row["total_bytes"] == row["table_bytes"] + row["index_bytes"]
    assert after["event_ledger"]["partitions"] == 2
    assert after["projects"]["partitions"] is None


def test_sizes_tell_what_columns_save(timescale: Connection) -> None:
    days = [LONG_AGO, LONG_AGO + DAY]
    insert_events(timescale, [event(day, page_url="/" + "x" * 200) for day in days for _ in range(500)])
    assert sizes(timescale)["events"]["compressed_before_bytes"] is None
    rows_only = sizes(timescale)["events"]

    timescale.execute(
        "select compress_chunk(show_chunks('events', older_than => %s::timestamptz))", [days[1]]
    )

    row = sizes(timescale)["events"]
    assert 0 < row["compressed_after_bytes"] < row["compressed_before_bytes"] < rows_only["total_bytes"]
    assert row["partitions"] == len(days)
    assert row["total_bytes"] < rows_only["total_bytes"]


def test_the_view_is_of_now(database: Connection) -> None:
    shown = database.execute("select aggregate, gap_events from aggregate_freshness order by 1").fetchall()
    counted = database.execute("select aggregate, gap_events from aggregate_freshness_at(now()) order by 1")
    assert shown == counted.fetchall()
    assert {name for name, _ in shown} == {aggregate.name for aggregate in AGGREGATES}


def test_nothing_is_behind_in_a_database_without_events(database: Connection, engine: str) -> None:
    for row in freshness(database, NOW).values():
        assert row["behind_seconds"] == 0
        assert row["materialized_to"] == (NOW if engine == POSTGRES else None)


@pytest.mark.parametrize(("age", "minutes", "hours", "days"), BEHIND.values(), ids=BEHIND)
def test_behind_is_for_how_long_a_missing_bucket_has_been_due(
    timescale: Connection, age: timedelta, minutes: float, hours: float, days: float
) -> None:
    insert_events(timescale, [event(LONG_AGO)])
    materialise(timescale, TIMESCALEDB, NOW - DAY)
    insert_events(timescale, [event(NOW - age)])

    found = {name: row["behind_seconds"] for name, row in freshness(timescale, NOW).items()}

    due = {MINUTE: minutes, HOUR: hours, DAY: days}
    expected = {aggregate.name: due[aggregate.width] for aggregate in AGGREGATES}
    assert found == expected | (dict.fromkeys(FORGETFUL, 0) if age > 2 * HOUR else {})


def test_a_refresh_catches_up(timescale: Connection) -> None:
    insert_events(timescale, [event(NOW - HOUR), event(NOW - 13 * HOUR)])
    assert any(row["behind_seconds"] for row in freshness(timescale, NOW).values())

    materialise(timescale, TIMESCALEDB, NOW)

    found = freshness(timescale, NOW)
    assert not any(row["behind_seconds"] for row in found.values())
    assert found["events_by_minute"]["materialized_to"] == datetime(2026, 3, 4, 11, 35, tzinfo=UTC)
    assert found["events_by_hour"]["materialized_to"] == datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert found["events_by_day"]["materialized_to"] == datetime(2026, 3, 4, tzinfo=UTC)


def test_events_that_do_not_count_make_nothing_late(timescale: Connection) -> None:
    """No page view, nobody: no bucket of pages or users is missing."""
    insert_events(timescale, [event(NOW - 100 * MINUTE, event_type="click", user_id=None)])

    late = {name for name, row in freshness(timescale, NOW).items() if row["behind_seconds"]}

    assert late == {"events_by_minute", "events_by_hour"}


def test_nothing_is_ever_behind_where_triggers_count(connection: Connection) -> None:
    insert_events(connection, [event(NOW - age) for age in (MINUTE, HOUR, DAY)])
    for row in freshness(connection, NOW).values():
        assert (row["materialized_to"], row["behind_seconds"]) == (NOW, 0)


def test_aggregates_that_agree_have_no_gap(database: Connection, engine: str) -> None:
    """Also with events of two projects, and around the buckets that are compared."""
    database.execute("insert into projects (name) values ('second')")
    ages = [9 * MINUTE, 10 * MINUTE, 11 * MINUTE, HOUR, 2 * HOUR, DAY, 2 * DAY]
    rows = [event(NOW - age, project_id=project) for age in ages for project in (1, 2)]
    insert_events(database, [*rows, event(NOW - 10 * MINUTE, event_type="click", page_url=None)])
    assert gaps(database, NOW) == {}

    materialise(database, engine, NOW)
    assert gaps(database, NOW) == {}
    unknown = {name for name, row in freshness(database, NOW).items() if row["gap_events"] is None}
    assert unknown == {"pages_by_hour", "pages_by_day", "users_by_hour", "users_by_day"}


# Whose trigger is broken, how old the page views are that it misses, and the gap.
BROKEN = {
    "events_by_minute": (10 * MINUTE, {"events_by_minute": 3}),
    "pages_by_minute": (10 * MINUTE, {"pages_by_minute": 3}),
    "events_by_hour": (HOUR, {"events_by_hour": 3}),
    "events_by_day": (DAY, {"events_by_day": 3}),
}


@pytest.mark.parametrize("aggregate", BROKEN)
def test_a_broken_trigger_is_a_gap(connection: Connection, aggregate: str) -> None:
    """Of two projects, where one counts too few and the other too many."""
    connection.execute("insert into projects (name) values ('second')")
    age, expected = BROKEN[aggregate]
    connection.execute(f"drop trigger count_{2 if 'pages' in aggregate else 3}_{aggregate} on events")
    insert_events(connection, [event(NOW - age) for _ in range(3)])
    assert gaps(connection, NOW) == expected

    count, key = ("views", "page_url") if "pages" in aggregate else ("events", "event_type")
    columns = f"project_id, bucket, {key}, {count}"
    width = {each.name: each.width for each in AGGREGATES}[aggregate]
    insert = f"insert into {aggregate} ({columns}) values (2, time_bucket(%s, %s), 'x', 5)"
    connection.execute(insert, [width, NOW - age])
    assert gaps(connection, NOW) == {aggregate: 3 + 5}


def test_late_events_are_a_gap_until_the_refresh(timescale: Connection) -> None:
    insert_events(timescale, [event(NOW - 10 * MINUTE)])
    materialise(timescale, TIMESCALEDB, NOW - 2 * MINUTE)
    insert_events(timescale, [event(NOW - 10 * MINUTE) for _ in range(4)])
    assert gaps(timescale, NOW) == {"events_by_minute": 4, "pages_by_minute": 4}

    materialise(timescale, TIMESCALEDB, NOW - 2 * MINUTE)
    assert gaps(timescale, NOW) == {}


def test_connections_are_counted_by_state(owner_url: str) -> None:
    """Of the whole server, whoever asks."""
    statement = "select connections from connection_counts where state = 'idle in transaction (aborted)'"
    with psycopg.connect(owner_url, autocommit=True) as asking, psycopg.connect(owner_url) as failing:
        before = asking.execute(statement).fetchone() or (0,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            failing.execute("select from nothing")
        after = asking.execute(statement).fetchone()
        active = asking.execute("select connections from connection_counts where state = 'active'").fetchone()

    assert after == (before[0] + 1,)
    assert active is not None
    assert active[0] >= 1


def test_without_the_extension_no_statement_is_slow(database: Connection) -> None:
    assert database.execute("select * from slow_statements").fetchall() == []
