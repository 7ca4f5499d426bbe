"""The archive: days are archived, verified, dropped and restored, and nothing is lost or doubled by it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from beatline.archive import parquet
from beatline.archive.archiving import Archive, archive_day, open_archive
from beatline.archive.checking import check_day
from beatline.archive.manifest import Day, Manifest, archived_projects, find_manifest
from beatline.archive.restoring import Restored, restore_day
from beatline.errors import BeatlineError, NotPossible
from beatline.settings import Settings
from beatline.storage.engine import POSTGRES
from beatline.storage.migrate import migrate
from beatline.storage.queries import query
from tests.fixtures.archives import (
    NOW,
    TODAY,
    busy_day,
    counts,
    counts_of,
    full_event,
    hostile_day,
    refresh_all,
    store,
    stored,
)
from tests.fixtures.databases import as_workers
from tests.fixtures.rows import Row
from workers.archive import archive_days
from workers.maintenance import drop_expired_events

ONE_DAY = timedelta(days=1)
OLD = TODAY - 40 * ONE_DAY  # beyond retention
HOLD = timedelta(days=7)


@pytest.fixture
def settings(database_url: str, engine: str, tmp_path: Path) -> Settings:
    """Workers that archive into a folder, and keep events for 30 days."""
    url = as_workers(database_url) if engine == POSTGRES else database_url
    return Settings(database_url=url, data=tmp_path, archive=True, retention_days=30)


@pytest.fixture(params=["folder", "s3"])
def anywhere(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """The same, into a folder and into S3."""
    return replace(settings, archive_url=request.getfixturevalue("s3")) if request.param == "s3" else settings


def archive_of(settings: Settings) -> Archive:
    """The archive of the settings."""
    return open_archive(settings, settings.data / "test")


def restore(settings: Settings, database: psycopg.Connection, at: datetime, project: int = 1) -> Restored:
    """Restore a day, as the owner."""
    return restore_day(archive_of(settings), database, Day(project, at.date()), HOLD, NOW)


def archived(settings: Settings, at: datetime = OLD) -> Manifest:
    """A day's manifest."""
    found = find_manifest(archive_of(settings).store, Day(1, at.date()))
    assert found
    return found.manifest


def part_files(settings: Settings) -> list[Path]:
    """Every part in the folder of the archive."""
    return sorted((settings.data / "archive").rglob("*.parquet"))


def events_of(database: psycopg.Connection) -> int:
    """How many events the database has."""
    row = database.execute("select count(*) from events").fetchone()
    return int(row[0]) if row else 0


def given(database: psycopg.Connection, rows: list[Row]) -> list[Row]:
    """Events that are stored and counted."""
    store(database, rows)
    refresh_all(database)
    return rows


def damage(file: Path) -> None:
    """Flip a bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def state(database: psycopg.Connection, at: datetime = OLD, project: int = 1) -> dict[str, Any]:
    """The row of a day."""
    with database.cursor(row_factory=dict_row) as cursor:
        statement = "select * from archived_days where day = %s and project_id = %s"
        return cursor.execute(statement, [at.date(), project]).fetchone() or {}


def test_a_day_goes_into_the_archive_and_comes_back_as_it_was(
    anywhere: Settings, database: psycopg.Connection
) -> None:
    # Given a day with everything that is hard to keep, archived
    rows = hostile_day(OLD)
    store(database, rows)
    refresh_all(database)
    before = stored(database)
    archive_days(anywhere, NOW)
    assert state(database)["state"] == "verified"

    # When it is dropped and restored
    drop_expired_events(anywhere, NOW)
    assert stored(database) == []
    assert counts(database) == counts_of(rows)
    assert restore(anywhere, database, OLD) == (len(rows), len(rows))

    # Then every column is as it was, and it is counted once
    assert stored(database) == before
    assert counts(database) == counts_of(rows)


def test_only_days_that_are_over_are_archived_each_project_in_a_folder_of_its_own(
    settings: Settings, database: psycopg.Connection
) -> None:
    # Given events of two projects, and of days that are over, and not
    given(database, [full_event(TODAY), full_event(TODAY - timedelta(microseconds=1))])
    ancient = OLD.replace(year=1999, month=1, day=2)
    given(database, [full_event(OLD), full_event(OLD, project_id=2), full_event(ancient)])

    # When they are archived five hours after the last day, and six
    archive_days(settings, TODAY + timedelta(hours=5, minutes=59))
    early = len(part_files(settings))
    archive_days(settings, TODAY + timedelta(hours=6))

    # Then each day has a folder, and the database says the same
    yesterday = TODAY - ONE_DAY
    folders = {str(file.parent.relative_to(settings.data / "archive")) for file in part_files(settings)}
    assert early == 3
    assert folders == {
        f"events/project=1/day={yesterday.date()}", f"events/project=1/day={OLD.date()}",
        f"events/project=2/day={OLD.date()}", "events/project=1/day=1999-01-02",
    }  # fmt: skip
    assert list(archived_projects(archive_of(settings).store, OLD.date())) == [1, 2]


def test_without_the_setting_nothing_is_archived(settings: Settings, database: psycopg.Connection) -> None:
    given(database, [full_event(OLD)])
    archive_days(replace(settings, archive=False), NOW)
    assert not (settings.data / "archive").exists()


def test_what_is_not_archived_is_not_dropped(settings: Settings, database: psycopg.Connection) -> None:
    # Given two projects in a day, of which one is archived
    given(database, [full_event(OLD)])
    archive_days(settings, NOW)
    given(database, [full_event(OLD, project_id=2)])

    # When retention passes, then the day stays, until both are
    drop_expired_events(settings, NOW)
    assert events_of(database) == 2
    assert state(database, project=2)["state"] == "waiting"
    archive_days(settings, NOW)
    drop_expired_events(settings, NOW)
    assert events_of(database) == 0
    assert state(database, project=2)["dropped_at"] == NOW


def test_a_flipped_bit_is_found_and_keeps_retention_from_dropping(
    settings: Settings, database: psycopg.Connection
) -> None:
    # Given a day that was archived two days ago, and a bit that flipped since
    rows = given(database, busy_day(OLD, 50))
    archive_days(settings, NOW - 2 * ONE_DAY)
    damage(part_files(settings)[0])

    # When retention passes, then nothing is dropped, and the row says why
    drop_expired_events(settings, NOW)
    assert events_of(database) == len(rows)
    assert state(database)["state"] == "damaged"
    assert "other bytes" in state(database)["error"]

    # Then the day is archived anew, since the database still has all of it, and can go
    archive_days(settings, NOW)
    assert (state(database)["state"], state(database)["generation"]) == ("verified", 2)
    drop_expired_events(settings, NOW)
    assert events_of(database) == 0
    assert restore(settings, database, OLD) == (50, 50)


def test_days_dropped_before_the_archive_was_on_are_empty_until_something_comes(
    owner_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    # Given a day that was dropped without an archive
    settings = Settings(database_url=as_workers(owner_url), data=tmp_path, archive=True, retention_days=30)
    given(connection, busy_day(OLD, 5))
    drop_expired_events(replace(settings, archive=False), NOW)

    # When archiving is switched on, then there is nothing to archive, and that is remembered
    archive_days(settings, NOW)
    assert (state(connection)["state"], part_files(settings)) == ("empty", [])

    # Until an event comes
    given(connection, [full_event(OLD)])
    archive_days(settings, NOW)
    assert (state(connection)["state"], archived(settings).events) == ("verified", 1)


@pytest.mark.parametrize("what", ["part", "manifest"])
def test_what_is_gone_from_the_archive_keeps_retention_from_dropping(
    settings: Settings, database: psycopg.Connection, what: str
) -> None:
    given(database, busy_day(OLD, 5))
    archive_days(settings, NOW)
    [part] = part_files(settings)
    (part if what == "part" else part.with_name("_manifest.json")).unlink()

    drop_expired_events(settings, NOW)

    assert (events_of(database), state(database)["state"]) == (5, "damaged")


def test_what_is_damaged_and_dropped_is_told_and_never_written_over(
    settings: Settings, database: psycopg.Connection
) -> None:
    # Given a day that is dropped, and damaged after that
    rows = given(database, busy_day(OLD, 50))
    archive_days(settings, NOW)
    drop_expired_events(settings, NOW)
    [part] = part_files(settings)
    damage(part)

    # When a late event comes, then neither it nor what may be saved of the file is lost
    later = NOW + ONE_DAY
    given(database, [full_event(OLD)])
    drop_expired_events(settings, later)
    archive_days(settings, later)
    drop_expired_events(settings, later)
    assert events_of(database) == 1
    assert part_files(settings) == [part]
    assert state(database)["state"] == "damaged"
    with pytest.raises(BeatlineError, match="other bytes"):
        restore(settings, database, OLD)
    assert events_of(database) == 1

    # Then, mended and read back, it takes the late event
    damage(part)
    assert check_day(archive_of(settings), database, Day(1, OLD.date()), later) is None
    archive_days(settings, NOW + 2 * ONE_DAY)
    assert archived(settings).events == len(rows) + 1


def test_late_events_go_into_a_new_generation_before_the_day_is_dropped(
    settings: Settings, database: psycopg.Connection
) -> None:
    # Given a day that is archived, and then gets another event
    rows = given(database, busy_day(OLD, 20))
    archive_days(settings, NOW)
    old_parts = part_files(settings)
    rows += given(database, [full_event(OLD + timedelta(hours=1), properties='{"late": true}')])
    before = stored(database)

    # When retention passes, then it waits; and so does the archive, for a day
    drop_expired_events(settings, NOW)
    archive_days(settings, NOW + timedelta(hours=23))
    assert (events_of(database), state(database)["state"]) == (21, "stale")

    # Then the day is written anew, the old part is gone, and it may be dropped
    archive_days(settings, NOW + ONE_DAY)
    assert archived(settings).generation == 2
    assert archived(settings).content.events == 21
    assert not set(old_parts) & set(part_files(settings))
    drop_expired_events(settings, NOW + ONE_DAY)
    assert events_of(database) == 0
    assert restore(settings, database, OLD) == (21, 21)
    assert stored(database) == before
    assert counts(database) == counts_of(rows)


def test_events_that_come_after_the_drop_are_added_to_the_archive(
    settings: Settings, database: psycopg.Connection
) -> None:
    # Given a day that is archived and dropped, in parts
    rows = given(database, busy_day(OLD, 20) + hostile_day(OLD))
    before = stored(database)
    archive_days(settings, NOW)
    drop_expired_events(settings, NOW)
    assert events_of(database) == 0

    # When late events come, then they are archived beside the others, and dropped again
    late = busy_day(OLD, 3, properties='{"late": true}')
    store(database, late)
    later = NOW + ONE_DAY
    for _ in range(2):  # notes it, and writes it
        drop_expired_events(settings, later)
        archive_days(settings, later)
    assert archived(settings).content.events == len(rows) + 3
    drop_expired_events(settings, later)
    assert events_of(database) == 0

    # Then all of them come back
    assert restore(settings, database, OLD) == (len(rows) + 3, len(rows) + 3)
    assert set(before) < set(stored(database))
    assert events_of(database) == len(rows) + 3


def test_a_day_is_restored_once_however_often_and_held(
    settings: Settings, database: psycopg.Connection
) -> None:
    # Given a day that was dropped, and a part of it restored
    rows = given(database, busy_day(OLD, 30) + hostile_day(OLD))
    before = stored(database)
    archive_days(settings, NOW)
    drop_expired_events(settings, NOW)
    store(database, rows[:7])

    # When it is restored twice, then each event is there once
    assert restore(settings, database, OLD) == (len(rows), len(rows) - 7)
    assert restore(settings, database, OLD) == (len(rows), 0)
    assert stored(database) == before

    # Then retention leaves it for a week, and drops it again without archiving it anew
    archive_days(settings, NOW)
    drop_expired_events(settings, NOW + HOLD - timedelta(seconds=1))
    assert events_of(database) == len(rows)
    drop_expired_events(settings, NOW + HOLD + ONE_DAY)
    assert events_of(database) == 0
    assert archived(settings).generation == 1


def test_a_restored_day_is_held_without_the_archive_too(
    settings: Settings, database: psycopg.Connection, engine: str
) -> None:
    given(database, busy_day(OLD, 5))
    archive_days(settings, NOW)
    drop_expired_events(settings, NOW)
    without = replace(settings, archive=False)
    if engine == POSTGRES:
        restore(settings, database, OLD)
        drop_expired_events(without, NOW)
        assert events_of(database) == 5
        database.execute("update archived_days set held_until = now() - interval '1 second'")
        drop_expired_events(without, NOW)
        assert events_of(database) == 0
        assert state(database)["dropped_at"]
    else:
        database.execute(query("add_event_retention"), {"days": 30})
        with pytest.raises(NotPossible, match="BEATLINE_ARCHIVE=on"):
            restore(settings, database, OLD)


def test_a_new_database_counts_what_is_restored(settings: Settings, database: psycopg.Connection) -> None:
    # Given an archive, and a database that knows nothing of it
    rows = given(database, busy_day(OLD, 30) + hostile_day(OLD))
    before = stored(database)
    archive_days(settings, NOW)
    forget(database)
    assert counts(database) == counts_of([])

    # When the day is restored, then its events are there and counted
    assert restore(settings, database, OLD) == (len(rows), len(rows))
    assert stored(database) == before
    assert counts(database) == counts_of(rows)
    assert state(database)["state"] == "verified"


def forget(database: psycopg.Connection) -> None:
    """Empty everything that knows of events."""
    database.execute("truncate events, archived_days")
    tables = "select relname from pg_class where relkind = 'r' and relname ~ '^(events|pages|users)_by_'"
    for (table,) in database.execute(tables).fetchall():
        database.execute(f"truncate {table}")
    refresh_all(database)


def test_large_days_have_several_parts(
    settings: Settings, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = given(database, busy_day(OLD, 100))
    monkeypatch.setattr(parquet, "GROUP_ROWS", 10)

    archive_day(replace(archive_of(settings), part_rows=30), database, Day(1, OLD.date()), NOW)

    manifest = archived(settings)
    assert [part.events for part in manifest.parts] == [30, 30, 30, 10]
    assert manifest.content.events == len(rows)
    assert [part.first_ts for part in manifest.parts] == [rows[number]["ts"] for number in (0, 30, 60, 90)]
    with database.transaction():
        database.execute("delete from events")
    assert restore(settings, database, OLD) == (100, 100)


def test_an_event_that_comes_during_the_drop_is_not_dropped(
    owner_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    # Given a day that is archived, and a transaction with another event of it
    settings = Settings(database_url=as_workers(owner_url), data=tmp_path, archive=True, retention_days=30)
    given(connection, busy_day(OLD, 5))
    archive_days(settings, NOW)
    with psycopg.connect(owner_url) as writer:
        store(writer, [full_event(OLD)])

        # When retention passes meanwhile, then it gives up
        drop_expired_events(settings, NOW)
        assert events_of(connection) == 5

    # And finds the event when it is committed
    drop_expired_events(settings, NOW)
    assert (events_of(connection), state(connection)["state"]) == (6, "stale")


def test_a_day_that_somebody_else_works_on_is_left(
    owner_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    settings = Settings(database_url=as_workers(owner_url), data=tmp_path, archive=True)
    given(connection, busy_day(OLD, 5))
    connection.execute(query("try_lock"), {"name": Day(1, OLD.date()).lock})

    archive_days(settings, NOW)

    assert state(connection)["state"] == "waiting"


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from beatline.file_store import LocalFiles
from beatline.settings import Settings
from workers.archive import archive_days

at, url, data, now = sys.argv[1:]
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
put = LocalFiles.put
def put_or_die(store, file, name):
    if at == "before the manifest" and name.endswith("_manifest.json"):
        die()
    put(store, file, name)
    if at == "after the manifest" and name.endswith("_manifest.json"):
        die()
LocalFiles.put = put_or_die
archive_days(Settings(database_url=url, data=Path(data), archive=True), datetime.fromisoformat(now))
"""


@pytest.mark.parametrize("at", ["before the manifest", "after the manifest"])
@pytest.mark.parametrize("generations", [0, 1])
def test_a_kill_leaves_the_day_as_it_was_or_as_it_is_to_be(
    owner_url: str, connection: psycopg.Connection, tmp_path: Path, at: str, generations: int
) -> None:
    """A part without a manifest is no archive, and does not stay."""
    # Given a day that was not archived yet, or needs a new generation
    url = as_workers(owner_url)
    settings = Settings(database_url=url, data=tmp_path, archive=True, retention_days=30)
    rows = given(connection, busy_day(OLD, 5))
    if generations:
        archive_days(settings, NOW - 2 * ONE_DAY)
        rows += given(connection, [full_event(OLD)])

    # When the worker is killed
    program = [sys.executable, "-c", KILLED, at, url, str(tmp_path), str(NOW)]
    killed = subprocess.run(program, check=False, timeout=120, env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert killed.returncode == -signal.SIGKILL

    # Then what is archived is a whole generation, and nothing can be dropped
    found = find_manifest(archive_of(settings).store, Day(1, OLD.date()))
    events = found.manifest.events if found else 0
    assert events == (len(rows) if at == "after the manifest" else 5 * generations)
    assert len(part_files(settings)) == generations + 1
    drop_expired_events(settings, NOW)
    assert events_of(connection) == len(rows)

    # And the next turn makes up for it
    archive_days(settings, NOW)
    assert archived(settings).content.events == len(rows)
    assert state(connection)["state"] == "verified"
    assert archived(settings).generation == generations + 1
    drop_expired_events(settings, NOW)
    assert events_of(connection) == 0
    assert restore(settings, connection, OLD) == (len(rows), len(rows))


def test_what_a_killed_attempt_left_in_the_storage_is_deleted_after_a_day(settings: Settings) -> None:
    folder = settings.data / "archive" / "events" / "project=1"
    folder.mkdir(parents=True)
    for name, age in ((".old.part", 2 * ONE_DAY), (".young.part", ONE_DAY / 2)):
        (folder / name).touch()
        os.utime(folder / name, times=((NOW - age).timestamp(),) * 2)

    archive_days(settings, NOW)

    assert [path.name for path in folder.iterdir()] == [".young.part"]


def test_with_an_archive_timescaledb_has_no_policy_of_its_own(timescale_url: str) -> None:
    policy = query("event_retention_policy")
    for archive, policies in [(False, 1), (True, 0), (False, 1)]:
        migrate(timescale_url, 30, archive=archive)
        with psycopg.connect(timescale_url, autocommit=True) as connection:
            assert len(connection.execute(policy).fetchall()) == policies
