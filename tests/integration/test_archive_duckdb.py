"""DuckDB reads the archive by its folders, and archive and live data together, as docs/archive.md says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import psycopg
import pytest

from beatline.archive.days import bounds
from beatline.archive.manifest import Day
from beatline.archive.parquet import table_of
from beatline.settings import Settings
from beatline.storage.queries import query
from tests.fixtures.archives import NOW, TODAY, busy_day, full_event, hostile_day, store, stored
from tests.fixtures.databases import as_workers
from workers.archive import archive_days
from workers.maintenance import drop_expired_events

DAY = timedelta(days=1)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "archive.md"
COLUMNS = """
    project_id, event_id, epoch_us(ts), epoch_us(received_at), event_type, user_id, anonymous_id, session_id,
    device_id, page_url, app_version, os_name, os_version, properties"""


@pytest.fixture
def settings(owner_url: str, tmp_path: Path) -> Settings:
    """Workers that archive into a folder, and keep events for 30 days."""
    url = as_workers(owner_url)
    return Settings(database_url=url, data=tmp_path, archive=True, retention_days=30)


@pytest.fixture
def duck(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def documented(number: int, settings: Settings) -> str:
    """One of the document's queries, on this archive."""
    found = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[number]
    return str(found).replace("s3://my-bucket/beatline", str(settings.data / "archive"))


def test_it_reads_every_column_as_it_is_stored(
    settings: Settings, connection: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    store(connection, hostile_day(TODAY - DAY))
    archive_days(settings, NOW)

    pattern = str(settings.data / "archive/events/*/*/*.parquet")
    statement = f"select {COLUMNS} from read_parquet(?) order by ts, event_id, properties"
    rows = duck.execute(statement, [pattern]).fetchall()

    expected = [
        (*row[:2], *(round(each.timestamp() * 1_000_000) for each in row[2:4]), *row[4:])
        for row in stored(connection)
    ]
    assert sorted(rows, key=str) == sorted(expected, key=str)


def test_it_finds_projects_and_days_by_their_folders(
    settings: Settings, connection: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    # Given three days of two projects
    days = [TODAY - age * DAY for age in (1, 2, 3)]
    for project in (1, 2):
        for day in days:
            store(connection, busy_day(day, 10 * project, project_id=project))
    archive_days(settings, NOW)

    # When one project's last two are asked for by the document's query, then only their files are read
    statement = documented(0, settings).replace("date '2026-01-01'", f"date '{days[1].date()}'")
    statement = statement.replace("date '2026-03-31'", f"date '{days[0].date()}'")
    assert duck.execute(statement).fetchall() == [(day.date(), "view", 10, 7) for day in reversed(days[:2])]
    plan = str(duck.execute("explain analyze " + statement.split("\n", 1)[1]).fetchall())
    assert re.search(r"(Scanning Files: 2/6|Total Files Read: 2)", plan), plan


def test_archive_and_live_data_are_counted_together(
    settings: Settings, connection: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    """The document attaches PostgreSQL by an extension; here its tables are handed over as Arrow."""
    # Given a day that was dropped, one that is archived and still there, and today
    ages = {40: 30, 2: 20, 0: 10}
    for age, count in ages.items():
        store(connection, busy_day(TODAY - age * DAY, count))
    store(connection, [full_event(TODAY, project_id=2)])
    archive_days(settings, NOW)
    drop_expired_events(settings, NOW)

    # When they are counted by the document's query, then each event counts once
    hand_over(connection, duck)
    rows = duck.execute(documented(1, settings)).fetchall()
    assert rows == [((TODAY - age * DAY).date(), "view", count) for age, count in ages.items()]


def hand_over(connection: psycopg.Connection, duck: duckdb.DuckDBPyConnection) -> None:
    """Give DuckDB what the database has of project 1, as tables of a database called live."""
    rows = []
    for age in range(100):
        day = Day(1, (TODAY - age * DAY).date())
        rows += connection.cursor(binary=True).execute(query("archive_rows"), bounds(day)).fetchall()
    duck.execute("attach ':memory:' as live")
    duck.register("arrow_events", table_of(rows))
    duck.execute("create table live.events as select * from arrow_events")
    duck.execute("create table live.archived_days (project_id int, day date, dropped_at timestamptz)")
    known = connection.execute("select project_id, day, dropped_at from archived_days").fetchall()
    duck.executemany("insert into live.archived_days values (?, ?, ?)", known)
