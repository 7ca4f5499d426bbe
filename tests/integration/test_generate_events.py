"""The sample data script on a real database: as a user runs it, and how it refuses to run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.fixtures.collectors import ROOT

FOUR_WEEKS = "ts >= '2025-05-01T00:00:00Z' and ts < '2025-05-29T00:00:00Z'"


def generate_events(*options: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "loadtest" / "generate_events.py"), *options],
        cwd=cwd,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def numbers(connection: psycopg.Connection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(int(number) for number in row)


def test_given_the_defaults_when_it_runs_twice_then_5000_events_are_stored_once(
    owner_url: str, connection: psycopg.Connection
) -> None:
    first = generate_events("--database-url", owner_url)
    second = generate_events(BEATLINE_DATABASE_URL=owner_url)
    assert first.stdout.endswith("5,000 events stored, 0 were there already.\n")
    assert second.stdout.endswith("0 events stored, 5,000 were there already.\n")
    stored = f"select count(*), count(distinct event_id) from events where {FOUR_WEEKS}"
    assert numbers(connection, stored) == (5000, 5000)
    assert numbers(connection, "select sum(events) from events_by_day") == (5000,)


def test_given_a_forgetful_ledger_when_it_runs_again_then_it_still_adds_nothing(
    owner_url: str, connection: psycopg.Connection
) -> None:
    options = ("--events", "600", "--database-url", owner_url)
    assert generate_events(*options).returncode == 0
    connection.execute("truncate event_ledger_0, event_ledger_1")
    connection.execute("delete from events where event_type = 'location'")
    (kept,) = numbers(connection, "select count(*) from events")
    assert f"{600 - kept} events stored, {kept} were" in generate_events(*options).stdout
    assert numbers(connection, "select count(*) from events") == (600,)


def test_given_a_running_embedded_database_then_it_is_found_by_its_data_folder(
    owner_url: str, tmp_path: Path
) -> None:
    (tmp_path / "postgres.url").write_text(f"{owner_url}\n")
    done = generate_events("--events", "10", cwd=tmp_path, BEATLINE_DATA=str(tmp_path))
    assert done.stdout.endswith("10 events stored, 0 were there already.\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "no database: start `make up`, or give --database-url"),
        (("--database-url", "postgresql://nobody@127.0.0.1:1/none"), "Connection refused"),
        (("--start", "2025-05-02", "--end", "2025-05-01"), "--end is before --start"),
        (("--events", "0"), "0 is not in the range"),
        (("--start", "May"), "'May' does not match the format"),
    ],
)
def test_given_nothing_to_write_to_or_about_then_it_says_so_and_fails(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    done = generate_events(*options, cwd=tmp_path, BEATLINE_DATA=str(tmp_path))
    assert done.returncode > 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_given_a_database_that_is_not_migrated_then_it_says_so_and_fails(
    empty_postgres_url: str,
) -> None:
    done = generate_events("--database-url", empty_postgres_url)
    assert done.returncode == 1
    assert "not migrated: run `beatline migrate`" in done.stderr
