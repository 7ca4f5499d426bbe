"""The schedule, its runs and dead letters by the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from dramatiq.brokers.stub import StubBroker
from psycopg.types.json import Jsonb

from beatline.due_times import daily
from beatline.settings import Settings
from tests.fixtures.people import Tokens
from workers.actors import Work
from workers.leader import Turns
from workers.schedule import Row

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RUN = """
    insert into job_runs (job, due_at, send_after, attempts, started_at, ended_at, outcome, error)
    values ('nightly', %(due_at)s, %(due_at)s, 1, %(started_at)s, %(ended_at)s, %(outcome)s, %(error)s)
"""


def nightly(settings: Settings, now: datetime) -> None:
    """A job."""


@pytest.fixture
def published(connection: psycopg.Connection) -> None:
    """A schedule of one job, as a leader publishes it."""
    Turns(connection, Work((Row(nightly, daily(hour=1), timedelta(minutes=5)),), ()), StubBroker(), NOON)


def add_run(
    connection: psycopg.Connection, hours_ago: int, outcome: str | None, started: bool = True
) -> None:
    """A run that was due some hours before noon."""
    due_at = NOON - timedelta(hours=hours_ago)
    values = {
        "due_at": due_at,
        "started_at": due_at if started else None,
        "ended_at": due_at if outcome else None,
        "outcome": outcome,
        "error": "It broke" if outcome == "failed" else None,
    }
    connection.execute(RUN, values)


def add_letter(connection: psycopg.Connection, number: int, queue: str = "exports") -> int:
    """A dead letter of a task."""
    row = connection.execute(
        "insert into dead_letters (queue, actor, arguments, error, traceback, first_at, at)"
        " values (%s, 'perform_export', %s, 'It broke', 'Traceback', %s, %s) returning dead_letter_id",
        [queue, Jsonb([str(number)]), NOON, NOON + timedelta(minutes=number)],
    ).fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize(
    ("outcome", "started", "state"),
    [
        ("done", True, "done"), ("failed", True, "failed"), ("skipped", False, "skipped"),
        (None, True, "running"), (None, False, "waiting"),
    ],
)  # fmt: skip
def test_given_runs_then_each_job_shows_its_last_one_its_state_and_when_it_is_next(
    boss: Tokens, published: None, connection: psycopg.Connection, outcome: str, started: bool, state: str
) -> None:
    add_run(connection, 48, "done")
    add_run(connection, 24, outcome, started)

    (job,) = boss("GET", "/api/v1/jobs").json["jobs"]

    assert (job["job"], job["state"], job["queue"], job["missed"]) == (
        "nightly",
        state,
        "maintenance",
        "once",
    )
    assert (job["every_seconds"], job["past_seconds"], job["may_take_seconds"]) == (86_400, 3_600, 300)
    assert job["last_run"]["due_at"].startswith("2026-04-30T12:00:00")
    following = datetime.fromisoformat(job["next_run_at"])
    assert (following.hour, following.minute, following > datetime.now(UTC)) == (1, 0, True)


def test_given_no_run_yet_then_the_state_is_unknown(boss: Tokens, published: None) -> None:
    (job,) = boss("GET", "/api/v1/jobs").json["jobs"]

    assert (job["state"], job["last_run"]) == ("unknown", None)


def test_given_runs_then_they_are_paged_and_chosen_by_outcome(
    boss: Tokens, connection: psycopg.Connection
) -> None:
    for hours in range(5):
        add_run(connection, hours, "failed" if hours % 2 else "done")

    seen, cursor = [], ""
    while cursor is not None:
        page = boss("GET", f"/api/v1/jobs/runs?limit=2{cursor and f'&cursor={cursor}'}").json
        seen += [run["due_at"][11:13] for run in page["runs"]]
        cursor = page["next_cursor"]
    failed = boss("GET", "/api/v1/jobs/runs?outcome=failed&job=nightly").json["runs"]

    assert seen == ["12", "11", "10", "09", "08"]
    assert [(run["due_at"][11:13], run["error"]) for run in failed] == [
        ("11", "It broke"),
        ("09", "It broke"),
    ]
    assert boss("GET", "/api/v1/jobs/runs?job=other").json["runs"] == []


def test_given_dead_letters_then_they_are_paged_and_chosen(
    boss: Tokens, connection: psycopg.Connection
) -> None:
    for number in range(3):
        add_letter(connection, number)
    add_letter(connection, 9, "pushes")

    first = boss("GET", "/api/v1/jobs/dead-letters?limit=3").json
    rest = boss("GET", f"/api/v1/jobs/dead-letters?limit=3&cursor={first['next_cursor']}").json
    pushes = boss("GET", "/api/v1/jobs/dead-letters?queue=pushes&actor=perform_export").json

    assert [letter["arguments"] for letter in first["dead_letters"]] == [["9"], ["2"], ["1"]]
    assert [letter["arguments"] for letter in rest["dead_letters"]] == [["0"]]
    assert [letter["times"] for letter in pushes["dead_letters"]] == [1]


def test_given_a_dead_letter_then_it_is_asked_to_be_sent_or_deleted_and_both_are_noted(
    boss: Tokens, connection: psycopg.Connection
) -> None:
    sent, deleted = add_letter(connection, 1), add_letter(connection, 2)

    assert boss("POST", f"/api/v1/jobs/dead-letters/{sent}/send").status_code == 202
    assert boss("DELETE", f"/api/v1/jobs/dead-letters/{deleted}").status_code == 200

    (left,) = boss("GET", "/api/v1/jobs/dead-letters").json["dead_letters"]
    assert (left["dead_letter_id"], left["send_asked_at"] is None) == (sent, False)
    entries = boss("GET", "/api/v1/audit-log").json["entries"]
    assert [(entry["action"], entry["subject"]) for entry in entries] == [
        ("dead letter deleted", "perform_export 2"),
        ("dead letter sent again", "perform_export 1"),
    ]


@pytest.mark.parametrize("path", ["1", str(2**70)])
@pytest.mark.parametrize(("method", "end"), [("DELETE", ""), ("POST", "/send")])
def test_given_no_such_letter_then_404_and_nothing_is_noted(
    boss: Tokens, path: str, method: str, end: str
) -> None:
    assert boss(method, f"/api/v1/jobs/dead-letters/{path}{end}").status_code == 404
    assert boss("GET", "/api/v1/audit-log").json["entries"] == []


@pytest.mark.parametrize(
    "asked",
    ["runs?cursor=x", "runs?outcome=lost", "runs?limit=0", "runs?job=", "dead-letters?limit=501", "runs?x=1"],
)
def test_given_bad_parameters_then_400(boss: Tokens, asked: str) -> None:
    answer = boss("GET", f"/api/v1/jobs/{asked}")
    content: dict[str, Any] = answer.json
    assert (answer.status_code, bool(content["errors"])) == (400, True)
