"""Leader and workers are killed at random moments: no run of the schedule is missed, none is doubled."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.faults import tiny_schedule
from tests.faults.forked import kill, start
from tests.fixtures.storage import wait_until

KILLS = {"valkey": 100, "rabbitmq": 25}
LONGEST_LIFE_SECONDS = 1.0  # from one kill to the next
TAKEOVER = timedelta(seconds=10)
OPEN = "select count(*) from job_runs where ended_at is null"


def settle(connection: psycopg.Connection) -> None:
    """Wait until everything that was due is done."""
    wait_until(lambda: connection.execute(OPEN).fetchone() == (0,), 120)


@pytest.fixture
def settings(workers_url: str, redis_url: str, broker_url: str, tmp_path: Path) -> dict[str, Any]:
    """The services, on a broker of each kind in turns."""
    return {
        "database_url": workers_url, "redis_url": redis_url, "broker_url": broker_url, "data": tmp_path
    }  # fmt: skip


def test_no_run_is_missed_or_doubled_when_leaders_and_workers_are_killed(
    settings: dict[str, Any], connection: psycopg.Connection, request: pytest.FixtureRequest
) -> None:
    connection.execute(tiny_schedule.PERFORMED)
    connection.execute("grant all on performed to public")
    killed: list[int | None] = []
    alive = [start(tiny_schedule.main, settings), start(tiny_schedule.main, settings)]
    try:
        wait_until(lambda: connection.execute("select count(*) > 0 from performed").fetchone() == (True,))
        for _ in range(KILLS[request.node.callspec.params["broker_url"]]):
            time.sleep(random.uniform(0, LONGEST_LIFE_SECONDS))
            victim = alive.pop(random.randrange(2))
            killed.append(victim.pid)
            kill(victim)
            alive.append(start(tiny_schedule.main, settings))
        settle(connection)
    finally:
        for process in alive:
            kill(process)

    assert_each_due_time_has_one_run(connection)
    assert_only_the_killed_were_begun_again(connection, killed)
    assert_none_ran_beside_another(connection)


def assert_each_due_time_has_one_run(connection: psycopg.Connection) -> None:
    """From the first to the last there is a run for each due time, and those that ended are done."""
    runs = connection.execute("select due_at, outcome from job_runs order by due_at").fetchall()
    times = [due_at for due_at, _ in runs]
    assert len(times) > 10
    assert times == [times[0] + tiny_schedule.PERIOD * number for number in range(len(times))]
    assert {outcome for _, outcome in runs[:-2]} == {"done"}


def assert_only_the_killed_were_begun_again(connection: psycopg.Connection, killed: list[int | None]) -> None:
    """Every attempt but the last one is of a process that was killed, and every run that is done was
    performed to its end by its last attempt."""
    attempts = connection.execute(
        "select due_at, pid, performed.ended_at from performed join job_runs using (due_at)"
        " where outcome = 'done' order by due_at, began_at"
    ).fetchall()
    last = {due_at: ended_at for due_at, _, ended_at in attempts}
    done = connection.execute("select due_at from job_runs where outcome = 'done'").fetchall()
    assert last.keys() == {due_at for (due_at,) in done}
    assert all(last.values())
    seen = Counter(due_at for due_at, *_ in attempts)
    for due_at, pid, _ in attempts:
        seen[due_at] -= 1
        assert seen[due_at] == 0 or pid in killed, f"{due_at} was begun again though {pid} lived"


def assert_none_ran_beside_another(connection: psycopg.Connection) -> None:
    """No attempt began while another one that came to its end was at work."""
    beside = connection.execute(
        "select count(*) from performed a join performed b"
        " on b.began_at > a.began_at and b.began_at < a.ended_at"
    ).fetchone()
    assert beside == (0,)


def test_another_leader_takes_over_within_seconds(
    settings: dict[str, Any], connection: psycopg.Connection
) -> None:
    connection.execute(tiny_schedule.PERFORMED)
    connection.execute("grant all on performed to public")
    performed = "select count(*) from performed where ended_at is not null"

    def performed_more_than(runs: int) -> bool:
        return connection.execute(f"select ({performed}) > %s", [runs]).fetchone() == (True,)

    first = start(tiny_schedule.main, settings)
    wait_until(lambda: performed_more_than(0))
    second = start(tiny_schedule.main, settings)
    time.sleep(1)
    try:
        kill(first)
        (runs,) = connection.execute(performed).fetchone() or (0,)
        wait_until(lambda: performed_more_than(runs), TAKEOVER.total_seconds())
    finally:
        kill(first)
        kill(second)
