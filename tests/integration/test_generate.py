"""`beatline generate` against a real collector: what it counts as accepted is in the database."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg

from beatline.generate import run
from tests.fixtures.collectors import ROOT, free_port, running_collector

DEADLINE = 30.0


def count(connection: psycopg.Connection, what: str = "*") -> int:
    row = connection.execute(f"select count({what}) from events").fetchone()
    assert row is not None
    return int(row[0])


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "not within the deadline"
        time.sleep(0.05)


def start_generator(url: str, rate: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "beatline", "generate", "--url", url, "--rate", str(rate)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_given_a_high_rate_when_the_duration_is_over_then_every_event_is_stored_and_counted(
    collector_url: str, connection: psycopg.Connection
) -> None:
    assert run(collector_url, 1000, 0.5, seed=1) == 0
    assert count(connection) == count(connection, "distinct event_id") == 500
    overview = httpx.get(f"{collector_url}/api/v1/metrics/overview").json()
    assert overview["active_users"] == count(connection, "distinct user_id")
    assert overview["active_sessions"] == count(connection, "distinct (user_id, session_id)")
    assert overview["page_views"] > 100
    assert len(overview["top_pages"]) == 5


def test_given_a_running_generator_when_it_is_interrupted_then_it_says_what_was_stored(
    collector_url: str, connection: psycopg.Connection
) -> None:
    with start_generator(collector_url, rate=100) as process:
        wait_until(lambda: count(connection) >= 20)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert output.startswith("stopped after ")
    assert f"accepted {count(connection)} · rejected 0 · failed 0" in output


def test_given_no_collector_when_one_comes_goes_and_comes_back_then_events_go_on(
    tmp_path: Path, postgres_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    port = free_port()
    with start_generator(f"http://127.0.0.1:{port}", rate=50) as process:
        for _ in range(2):
            before = count(connection)
            with running_collector(tmp_path, postgres_url, redis_url, port):
                wait_until(lambda before=before: count(connection) >= before + 20)
        process.terminate()
        output, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert "rejected 0" in output
