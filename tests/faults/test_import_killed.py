"""The workers, or PostgreSQL, are killed again and again while they import: no row is lost or doubled."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
import psycopg
from flask.testing import FlaskClient
from psycopg import Connection

from tests.faults import import_workers
from tests.faults.evidence import stored_keys
from tests.faults.forked import kill, start
from tests.faults.stack import Stack
from tests.fixtures.storage import assert_counts_agree, wait_until

BAD_EVERY = 50  # rows; these have no type
LIMIT_SECONDS = 120.0

# Of workers:
KILLS = 100
LONGEST_LIFE_SECONDS = 0.4  # from one kill to the next
OPEN_AT_ONCE = 3
SMALL = 1_500  # rows of each import
HELD = """
    select count(*) from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and application_name = %s"""
OPEN = "select count(*) from imports where status in ('waiting', 'running')"
# As if the pause were over that follows attempts which stored nothing.
A_MINUTE_LATER = "update imports set worked_at = worked_at - interval '1 minute' where status = 'running'"

# Of PostgreSQL:
LARGE = 40_000  # rows
POSTGRES_KILLS = (0.1, 0.3, 0.5, 0.7)  # how far the import is


def rows(name: str, count: int) -> bytes:
    """A CSV file whose rows have a key of their own; some have no type, some an id."""
    lines = ["event_type,event_id,user_id,key"]
    for number in range(count):
        event_type = "" if number % BAD_EVERY == 0 else "view"
        event_id = f"{name}-{number}" if number % 7 == 0 else ""
        lines.append(f"{event_type},{event_id},u{number % 50},{name} {number}")
    return "\n".join(lines).encode()


def keys_of(name: str, count: int) -> dict[str, int]:
    """The keys of the rows that are to be stored, once each."""
    return {f"{name} {number}": 1 for number in range(count) if number % BAD_EVERY}


def assert_counted(shown: dict[str, Any], count: int) -> None:
    """An import tells what became of each row."""
    bad = count // BAD_EVERY
    counted = [shown[what] for what in ("status", "rows_read", "stored", "duplicates", "rejected")]
    assert counted == ["done", count, count - bad, 0, bad]


# Workers


def start_worker(settings: dict[str, Any], name: str) -> tuple[str, BaseProcess]:
    """A process that works, and what its connections are called."""
    url = f"{settings['database_url']}?application_name={name}"
    return name, start(import_workers.work, settings | {"database_url": url})


def begin(client: FlaskClient, name: str) -> str:
    """Hand in a file; where its progress is."""
    answer = client.post("/api/v1/imports", data=rows(name, SMALL), content_type="application/octet-stream")
    assert answer.status_code == 202, answer.text
    return str(answer.json["url"])


def test_imports_whose_workers_are_killed_store_each_row_once(
    client: FlaskClient, workers_url: str, redis_url: str, tmp_path: Path, connection: Connection
) -> None:
    settings = {"database_url": workers_url, "redis_url": redis_url, "data": tmp_path}
    begun = {name: begin(client, name) for name in ("first", "second")}
    leading = start(import_workers.lead, settings)
    alive = [start_worker(settings, f"worker-{number}") for number in range(2)]
    in_the_middle = 0
    try:
        for round_ in range(KILLS):
            if open_imports(connection) < OPEN_AT_ONCE:
                begun[f"import {round_}"] = begin(client, f"import {round_}")
            time.sleep(random.uniform(0, LONGEST_LIFE_SECONDS))
            name, victim = alive.pop(random.randrange(2))
            in_the_middle += connection.execute(HELD, [name]).fetchone() != (0,)
            kill(victim)
            alive.append(start_worker(settings, f"worker-{round_ + 2}"))
            connection.execute(A_MINUTE_LATER)
        wait_until(lambda: all_ended(connection), LIMIT_SECONDS)
    finally:
        for process in (leading, *(process for _, process in alive)):
            kill(process)

    assert in_the_middle > KILLS / 4, "too few were killed in the middle"
    wanted: dict[str, int] = {}
    for name, url in begun.items():
        assert_counted(client.get(url).json, SMALL)
        rejected = client.get(f"{url}/rejected.csv").text.splitlines()
        assert len(rejected) == SMALL // BAD_EVERY + 1
        wanted |= keys_of(name, SMALL)
    assert stored_keys(connection) == wanted
    assert_counts_agree(connection)


def all_ended(connection: Connection) -> bool:
    """Whether no import is open."""
    time.sleep(0.2)
    connection.execute(A_MINUTE_LATER)
    return open_imports(connection) == 0


def open_imports(connection: Connection) -> int:
    """How many imports are not done."""
    row = connection.execute(OPEN).fetchone()
    return int(row[0]) if row else 0


# PostgreSQL


def progress(stack: Stack, import_id: str) -> tuple[str, int]:
    """The status of an import and how many rows were read; none while PostgreSQL is away."""
    with suppress(psycopg.OperationalError), stack.connect() as connection:
        statement = "select status, rows_read from imports where import_id = %s"
        row = connection.execute(statement, [import_id]).fetchone()
        return row or ("unknown", 0)
    return "unknown", 0


def test_an_import_whose_postgres_is_killed_stores_each_row_once(stack: Stack) -> None:
    content = rows("postgres", LARGE)
    answer = httpx.post(f"{stack.collector_url}/api/v1/imports", content=content, timeout=30)
    assert answer.status_code == 202
    url = stack.collector_url + answer.json()["url"]
    import_id = answer.json()["import_id"]
    for part in POSTGRES_KILLS:
        wait_until(lambda part=part: progress(stack, import_id)[1] >= part * LARGE, 60)
        assert progress(stack, import_id)[0] == "running", "done before it could be killed in the middle"
        stack.kill_postgres(with_children=True)
        stack.start_postgres()
    wait_until(lambda: progress(stack, import_id)[0] == "done", 90)

    wait_until(lambda: httpx.get(url, timeout=30).status_code == 200)
    assert_counted(httpx.get(url, timeout=30).json(), LARGE)
    assert len(httpx.get(f"{url}/rejected.csv", timeout=30).text.splitlines()) == LARGE // BAD_EVERY + 1
    with stack.connect() as connection:
        stored = {key: times for key, times in stored_keys(connection).items() if key.startswith("postgres ")}
        assert stored == keys_of("postgres", LARGE)
        assert_counts_agree(connection)
