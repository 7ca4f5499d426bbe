"""The workers' process: its schedule, its leader, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from beatline.storage.spill import Spill
from beatline.storage.store import Batch
from tests.fixtures.collectors import free_port
from tests.fixtures.storage import count, make_events, wait_until

ROOT = Path(__file__).resolve().parents[2]
LEADER = """
    select count(*) from pg_locks
    where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())
"""

StartWorkers = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start_workers(workers_url: str, redis_url: str, broker_url: str) -> Iterator[StartWorkers]:
    """Starts `python -m workers`, on a broker of each kind in turns; all are ended at the end."""
    started: list[subprocess.Popen[bytes]] = []
    environ = os.environ | {
        "BEATLINE_DATABASE_URL": workers_url,
        "BEATLINE_REDIS_URL": redis_url,
        "BEATLINE_BROKER_URL": broker_url,
    }  # fmt: skip

    def start() -> subprocess.Popen[bytes]:
        ours = environ | {"BEATLINE_WORKERS_PORT": str(free_port())}
        started.append(subprocess.Popen([sys.executable, "-m", "workers"], cwd=ROOT, env=ours))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def drained(redis_url: str, connection: psycopg.Connection, expected: int) -> Callable[[], bool]:
    """Whether the spill is empty and so many events are stored."""
    spill = Spill(redis_url, 100)
    return lambda: spill.backlog() == 0 and count(connection, "events") == expected


def test_it_works(start_workers: StartWorkers, redis_url: str, connection: psycopg.Connection) -> None:
    Spill(redis_url, 100).append(Batch(make_events(3)))
    process = start_workers()

    wait_until(drained(redis_url, connection, 3))
    ahead = datetime.now(UTC) + timedelta(days=6)
    wait_until(
        lambda: (
            connection.execute("select max(upper) > %s from event_partitions", [ahead]).fetchone() == (True,)
        )
    )

    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_another_takes_over_when_the_leader_is_killed(
    start_workers: StartWorkers, redis_url: str, connection: psycopg.Connection
) -> None:
    first = start_workers()
    wait_until(lambda: connection.execute(LEADER).fetchone() == (1,))
    start_workers()
    first.kill()
    first.wait()

    Spill(redis_url, 100).append(Batch(make_events(2)))
    wait_until(drained(redis_url, connection, 2))


def test_without_a_database_it_does_not_start() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "workers"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "BEATLINE_DATABASE_URL" in result.stderr
