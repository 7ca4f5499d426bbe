"""The workers, or PostgreSQL, are killed several times in the middle of an import."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import httpx
import psycopg
import pytest

from tests.faults.evidence import stored_keys
from tests.faults.stack import Stack
from tests.fixtures.storage import assert_counts_agree, wait_until

ROWS = 60_000
BAD_EVERY = 100  # rows; these have no type
KILLS = (0.1, 0.3, 0.5, 0.7)  # how far the import is


def workers(stack: Stack) -> None:
    """SIGKILL the workers."""
    stack.kill_workers()
    stack.start_workers()


def postgres(stack: Stack) -> None:
    """SIGKILL PostgreSQL; the workers have to find it again."""
    stack.kill_postgres(with_children=True)
    stack.start_postgres()


def rows(name: str) -> str:
    """A CSV file whose rows have a key of their own; some have no type, some an id."""
    lines = ["event_type,event_id,user_id,key"]
    for number in range(ROWS):
        event_type = "" if number % BAD_EVERY == 0 else "view"
        event_id = f"{name}-{number}" if number % 7 == 0 else ""
        lines.append(f"{event_type},{event_id},u{number % 50},{name} {number}")
    return "\n".join(lines)


def progress(stack: Stack, import_id: str) -> tuple[str, int]:
    """The status of an import and how many rows were read; none while PostgreSQL is away."""
    with suppress(psycopg.OperationalError), stack.connect() as connection:
        statement = "select status, rows_read from imports where import_id = %s"
        row = connection.execute(statement, [import_id]).fetchone()
        return row or ("unknown", 0)
    return "unknown", 0


@pytest.mark.parametrize("kill", [workers, postgres])
def test_an_import_that_is_killed_again_and_again_stores_each_row_once(
    stack: Stack, kill: Callable[[Stack], None]
) -> None:
    name = kill.__name__
    answer = httpx.post(f"{stack.collector_url}/api/v1/imports", content=rows(name).encode(), timeout=30)
    assert answer.status_code == 202
    url = stack.collector_url + answer.json()["url"]
    import_id = answer.json()["import_id"]
    for part in KILLS:
        wait_until(lambda part=part: progress(stack, import_id)[1] >= part * ROWS, 60)
        assert progress(stack, import_id)[0] == "running", "done before it could be killed in the middle"
        kill(stack)
    wait_until(lambda: progress(stack, import_id)[0] == "done", 90)

    wait_until(lambda: httpx.get(url, timeout=30).status_code == 200)
    shown = httpx.get(url, timeout=30).json()
    bad = ROWS // BAD_EVERY
    counted = [shown[what] for what in ("rows_read", "stored", "duplicates", "rejected")]
    assert counted == [ROWS, ROWS - bad, 0, bad]
    assert len(httpx.get(f"{url}/rejected.csv", timeout=30).text.splitlines()) == bad + 1
    with stack.connect() as connection:
        stored = {key: times for key, times in stored_keys(connection).items() if key.startswith(f"{name} ")}
        assert stored == {f"{name} {number}": 1 for number in range(ROWS) if number % BAD_EVERY}
        assert_counts_agree(connection)
