"""Migrations on both engines: what they make, and that it is the same."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import Connection

from beatline.storage.engine import POSTGRES, TIMESCALEDB, read_engine
from beatline.storage.migrate import migrate
from tests.fixtures.rows import AGGREGATES

TABLES = {
    "projects",
    "events",
    "sessions",
    "rejected_events",
    "event_ledger",
    "event_ledger_0",
    "event_ledger_1",
    "event_ledger_state",
    "installation",
}
OBJECTS = """
    select oid::regclass::text, relkind::text from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S', 'i', 'I')"""
COLUMNS = """
    select attrelid::regclass::text, attname, format_type(atttypid, atttypmod)
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v') and not relispartition
      and relname <> 'event_partitions' and attnum > 0 and not attisdropped
    order by attrelid::regclass::text, attname"""
BUCKETS = [
    ("1 minute", datetime(2025, 5, 14, 12, 34, 59, 999_999), datetime(2025, 5, 14, 12, 34)),
    ("1 minute", datetime(2001, 1, 1), datetime(2001, 1, 1)),
    ("1 hour", datetime(1969, 12, 31, 23, 59, 59), datetime(1969, 12, 31, 23)),
    ("1 day", datetime(2024, 2, 29, 23, 59, 59), datetime(2024, 2, 29)),
    ("1 day", datetime(1, 1, 1, 5), datetime(1, 1, 1)),
    ("7 days", datetime(2025, 5, 14, 12), datetime(2025, 5, 12)),  # a Monday
    ("7 days", datetime(1999, 12, 31, 12), datetime(1999, 12, 27)),
]


def test_migrating_an_empty_database_makes_everything(empty_database_url: str, engine: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        assert read_engine(connection) is None

    assert migrate(empty_database_url) == engine

    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        assert read_engine(connection) == engine
        names = {name for name, _ in connection.execute(OBJECTS).fetchall()}
    assert names >= TABLES | {each.name for each in AGGREGATES}


def test_migrating_again_changes_nothing(database_url: str, engine: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = connection.execute(OBJECTS).fetchall()

    assert migrate(database_url) == engine

    with psycopg.connect(database_url, autocommit=True) as connection:
        assert connection.execute(OBJECTS).fetchall() == before
        assert connection.execute("select count(*) from installation").fetchone() == (1,)


def test_both_engines_have_the_same_tables_and_columns(owner_url: str, timescale_url: str) -> None:
    columns = {}
    for engine, url in ((POSTGRES, owner_url), (TIMESCALEDB, timescale_url)):
        with psycopg.connect(url, autocommit=True) as connection:
            columns[engine] = connection.execute(COLUMNS).fetchall()

    assert columns[TIMESCALEDB] == columns[POSTGRES]


@pytest.mark.parametrize(("width", "ts", "bucket"), BUCKETS)
def test_time_bucket_means_the_same(database: Connection, width: str, ts: datetime, bucket: datetime) -> None:
    values = [width, ts.replace(tzinfo=UTC)]
    row = database.execute("select time_bucket(%s::interval, %s::timestamptz)", values).fetchone()

    assert row == (bucket.replace(tzinfo=UTC),)
