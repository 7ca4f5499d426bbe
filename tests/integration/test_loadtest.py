"""A short load test of a whole stack: every kind of user, and that it tells of what is wrong."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from loadtest import audit, locust_process, stack, thresholds
from loadtest.locust_process import Target
from loadtest.shapes import Shape, Stage

SHAPE: Shape = (Stage(6, 60),)
KINDS = set(thresholds.read())


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("stack")
    with stack.servers(folder, quick=True) as bench, stack.whole(bench, "loadtest", 500) as running:
        yield running


def run(name: str, target: Target, folder: Path) -> dict[str, Any]:
    limits = thresholds.faults_only(thresholds.read())
    return locust_process.run(name, SHAPE, target, folder / name, limits)


def test_given_every_kind_of_user_then_all_answers_are_right_and_every_event_is_stored_once(
    target: Target, tmp_path: Path
) -> None:
    found = run("right", target, tmp_path)

    assert (found["breaches"], found["errors"], found["exit_code"]) == ([], [], 0)
    assert {row["name"].split()[0] for row in found["requests"]} == KINDS
    assert found["audit"]["acknowledged"] > 100

    spoil(target.database_url)
    spoilt = audit.audit(
        target.database_url, tmp_path / "right", "right", datetime.now(UTC) - timedelta(hours=1)
    )
    assert (spoilt["lost"], spoilt["doubled"]) == (1, 1)


def spoil(database_url: str) -> None:
    """Lose an event, and store another one twice."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        ids = connection.execute(
            "select event_id from events where properties ->> 'key' like 'right-%' order by 1 desc limit 2"
        ).fetchall()
        connection.execute("delete from events where event_id = %s", ids[0])
        columns = "project_id, ts, received_at, event_type, user_id, properties"
        connection.execute(
            f"insert into events (event_id, {columns}) "
            f"select uuidv7(), {columns} from events where event_id = %s",
            ids[1],
        )


def test_given_one_wrong_number_then_the_load_test_fails(target: Target, tmp_path: Path) -> None:
    expected = copy.deepcopy(target.expected)
    expected["by_type_a_day"]["click"] += 1

    found = run("wrong", replace(target, expected=expected), tmp_path)

    assert found["exit_code"] == 1
    assert any(sentence.startswith("dashboard_viewer GET /analytics") for sentence in found["breaches"])
    assert any("wrong answer" in error["error"] for error in found["errors"])
