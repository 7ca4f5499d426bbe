"""`beatline archive`, as somebody at the machine uses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from beatline.archive.manifest import Day
from beatline.cli import cli
from beatline.settings import Settings
from beatline.storage.queries import query
from tests.fixtures.archives import NOW, TODAY, busy_day, store, stored
from tests.fixtures.databases import as_workers
from workers.archive import archive_days
from workers.maintenance import drop_expired_events
from workers.metrics import read_database

OLD = TODAY - timedelta(days=40)
Run = Callable[..., Result]


@pytest.fixture
def settings(owner_url: str, tmp_path: Path) -> Settings:
    """Workers that archive into a folder, and keep events for 30 days."""
    return Settings(database_url=as_workers(owner_url), data=tmp_path, archive=True, retention_days=30)


@pytest.fixture
def archived(settings: Settings, connection: psycopg.Connection) -> list[object]:
    """A day of two projects, archived and dropped; its events as they were."""
    connection.execute("insert into projects (name) values ('shop')")
    store(connection, busy_day(OLD, 5) + busy_day(OLD, 7, project_id=2))
    events = stored(connection)
    archive_days(settings, NOW)
    drop_expired_events(settings, NOW)
    assert stored(connection) == []
    return list(events)


@pytest.fixture
def run(settings: Settings, owner_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with the workers' settings."""
    monkeypatch.setenv("BEATLINE_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("BEATLINE_OWNER_DATABASE_URL", owner_url)
    monkeypatch.setenv("BEATLINE_DATA", str(settings.data))
    return lambda *words: CliRunner().invoke(cli, ["archive", *map(str, words)])


def test_a_day_is_listed_verified_and_restored(
    run: Run, connection: psycopg.Connection, archived: list[object]
) -> None:
    listed = run("list").output.splitlines()
    assert [line.split("\t")[:3] for line in listed] == [
        [str(OLD.date()), "project 2", "verified"],
        [str(OLD.date()), "project 1", "verified"],
    ]
    assert f"dropped {NOW.date()}" in listed[0]

    verified = run("verify", "--day", OLD.date())
    assert (verified.exit_code, verified.output.count("intact")) == (0, 2)

    restored = run("restore", "--day", OLD.date())
    assert restored.exit_code == 0
    assert f"{OLD.date()}, project 2: 7 of 7 events put back." in restored.output
    assert stored(connection) == archived
    assert "held until" in run("list").output


def test_one_project_is_chosen_by_name(
    run: Run, connection: psycopg.Connection, archived: list[object]
) -> None:
    assert run("restore", "--day", OLD.date(), "--project", "shop").exit_code == 0
    assert len(stored(connection)) == 7
    assert len(run("list", "--project", "shop").output.splitlines()) == 1


def test_what_is_damaged_is_named_and_the_exit_code_says_so(
    run: Run, settings: Settings, connection: psycopg.Connection, archived: list[object]
) -> None:
    [part] = (settings.data / f"archive/events/project=2/day={OLD.date()}").glob("*.parquet")
    part.write_bytes(part.read_bytes()[:-1] + b"!")

    verified = run("verify", "--day", OLD.date())

    assert verified.exit_code == 1
    assert f"{OLD.date()}, project 1: intact" in verified.output
    assert f"{OLD.date()}, project 2: {part.name} has other bytes" in verified.output
    assert "damaged" in run("list", "--project", "shop").output
    gauges = {metric.name: metric for metric in read_database(settings, [])}
    days = {each.labels["state"]: each.value for each in gauges["beatline_archive_days"].samples}
    assert days == {"waiting": 0, "verified": 1, "stale": 0, "damaged": 1, "empty": 0}


def test_what_cannot_be_done_is_one_sentence(
    run: Run, connection: psycopg.Connection, archived: list[object]
) -> None:
    connection.execute(query("try_lock"), {"name": Day(2, OLD.date()).lock})
    for words, sentence in [
        (["--day", NOW.date()], f"Nothing of {NOW.date()} is in the archive."),
        (["--day", NOW.date(), "--project", "1"], f"{NOW.date()} of project 1 is not in the archive."),
        (["--day", OLD.date(), "--project", "2"], "is being archived; try again later."),
    ]:
        refused = run("restore", *words)
        assert refused.exit_code == 1
        assert sentence in str(refused.exception)
    assert stored(connection) == []
    assert run("restore", "--day", "yesterday").exit_code == 2
