"""Runs of the schedule: entered and sent by the leader, performed by a worker, each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from dramatiq import Broker
from prometheus_client import CollectorRegistry
from psycopg.types.json import Jsonb

from beatline.due_times import Missed, daily, every, hourly
from beatline.settings import Settings
from tests.fixtures.storage import count
from workers import leader
from workers.actors import Work, make_actors, sending_broker
from workers.broker import queue_length
from workers.leader import SEND_AGAIN, Turns
from workers.maintenance import trim_job_runs, try_lock
from workers.runs import MOST_ATTEMPTS, MOST_FAILURES, perform_run
from workers.schedule import SCHEDULE, Row
from workers.tasks import MAINTENANCE, Task

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FIVE_PAST = NOON + timedelta(minutes=5)
RUNS = "select job, due_at, outcome from job_runs order by job, due_at"

performed: list[datetime] = []


@pytest.fixture(autouse=True)
def nothing_performed() -> None:
    """Each test begins anew."""
    performed.clear()


def work_well(settings: Settings, now: datetime) -> None:
    """A job that works."""
    performed.append(now)


def fail(settings: Settings, now: datetime) -> None:
    """A job that does not."""
    performed.append(now)
    raise ValueError("it broke\0")


def hourly_job(job: Any = work_well, missed: Missed = Missed.ONCE) -> Row:
    """A job at 5 past."""
    return Row(job, hourly(minute=5), MINUTE, missed)


@pytest.fixture
def settings(workers_url: str, redis_url: str) -> Settings:
    """The services of this test."""
    return Settings(database_url=workers_url, redis_url=redis_url)


@pytest.fixture
def lead(settings: Settings, workers_url: str) -> Iterator[Callable[..., Turns]]:
    """Makes a leader of some jobs and tasks."""
    opened: list[Broker] = []
    connection = psycopg.connect(workers_url, autocommit=True)

    def make(*schedule: Row, tasks: tuple[Task, ...] = (), now: datetime = NOON) -> Turns:
        work = Work(schedule, tasks)
        opened.append(sending_broker(make_actors(settings, CollectorRegistry(), work)))
        return Turns(connection, work, opened[-1], now)

    yield make
    connection.close()
    for broker in opened:
        broker.close()


def sent(turns: Turns) -> list[str]:
    """The arguments of the messages that wait, the oldest first; they are taken out."""
    consumer = turns.broker.consume(MAINTENANCE, prefetch=100, timeout=1)
    messages = []
    while (message := next(consumer)) is not None:
        messages.append(message)
        consumer.ack(message)
    consumer.close()
    messages.sort(key=lambda message: message.message_timestamp)
    return [message.args[0] if message.args else message.actor_name for message in messages]


def runs(connection: psycopg.Connection) -> list[tuple[str, str | None]]:
    """When each run was due, and how it ended."""
    return [(f"{due_at:%H:%M}", outcome) for _, due_at, outcome in connection.execute(RUNS)]


def enter(connection: psycopg.Connection, job: str = "work_well", due_at: datetime = FIVE_PAST) -> None:
    """A run that is due."""
    connection.execute(
        "insert into job_runs (job, due_at, send_after) values (%s, %s, %s)", [job, due_at, due_at]
    )


def test_a_run_is_entered_sent_and_performed_once(
    lead: Callable[..., Turns], settings: Settings, connection: psycopg.Connection
) -> None:
    row = hourly_job()
    turns = lead(row, now=FIVE_PAST)
    for second in range(5):
        turns.take(FIVE_PAST + timedelta(seconds=second))
    assert sent(turns) == [FIVE_PAST.isoformat()]

    perform_run(settings, row, FIVE_PAST, nullcontext)
    perform_run(settings, row, FIVE_PAST, nullcontext)
    turns.take(FIVE_PAST + timedelta(minutes=59))

    assert (len(performed), runs(connection), sent(turns)) == (1, [("12:05", "done")], [])


def test_a_run_that_nobody_works_on_is_sent_again_and_one_that_somebody_does_is_not(
    lead: Callable[..., Turns], postgres_url: str, connection: psycopg.Connection
) -> None:
    turns = lead(hourly_job(), now=FIVE_PAST)
    turns.take(FIVE_PAST)
    turns.take(FIVE_PAST + SEND_AGAIN - timedelta(seconds=1))
    assert len(sent(turns)) == 1
    turns.take(FIVE_PAST + SEND_AGAIN)
    assert len(sent(turns)) == 1

    with psycopg.connect(postgres_url, autocommit=True) as worker:
        assert try_lock(worker, "beatline job work_well")
        turns.take(FIVE_PAST + 5 * SEND_AGAIN)
        assert sent(turns) == []
        worker.execute("select pg_advisory_unlock_all()")
    turns.take(FIVE_PAST + 5 * SEND_AGAIN + timedelta(milliseconds=500))
    assert len(sent(turns)) == 1


@pytest.mark.parametrize("name", [row.name for row in SCHEDULE])
def test_the_lock_of_every_job_is_seen_whatever_the_sign_of_its_key(
    name: str, lead: Callable[..., Turns], postgres_url: str, connection: psycopg.Connection
) -> None:
    enter(connection, name)
    parameters = {"now": FIVE_PAST, "again_at": FIVE_PAST, "not_now": []}
    with psycopg.connect(postgres_url, autocommit=True) as worker:
        assert try_lock(worker, f"beatline job {name}")
        assert connection.execute(leader.query("job_runs_to_send"), parameters).fetchall() == []
        worker.execute("select pg_advisory_unlock_all()")
    assert connection.execute(leader.query("job_runs_to_send"), parameters).fetchall() == [(name, FIVE_PAST)]


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        (Missed.ONCE, [("09:05", "done"), ("12:05", None)]),
        (Missed.SKIP, [("09:05", "done"), ("12:05", "skipped")]),
        (Missed.EACH, [("09:05", "done"), ("10:05", None), ("11:05", None), ("12:05", None)]),
    ],
)
def test_after_a_pause_missed_runs_are_made_up_for_as_the_row_says(
    lead: Callable[..., Turns], settings: Settings, connection: psycopg.Connection,
    missed: Missed, expected: list[Any],
) -> None:  # fmt: skip
    row = hourly_job(missed=missed)
    enter(connection, due_at=FIVE_PAST - 3 * HOUR)
    perform_run(settings, row, FIVE_PAST - 3 * HOUR, nullcontext)

    now = NOON + timedelta(minutes=30)
    lead(row, now=now).take(now)

    assert runs(connection) == expected


def test_runs_that_are_all_made_up_for_go_one_after_the_other_with_their_own_times(
    lead: Callable[..., Turns], settings: Settings, connection: psycopg.Connection
) -> None:
    row = hourly_job(missed=Missed.EACH)
    due = [FIVE_PAST - number * HOUR for number in (2, 1, 0)]
    for time in due:
        enter(connection, due_at=time)
    turns, now = lead(row, now=FIVE_PAST), FIVE_PAST

    for time in due:
        turns.take(now)
        assert sent(turns) == [time.isoformat()]
        perform_run(settings, row, time, nullcontext)
        now += timedelta(milliseconds=500)

    assert performed == due


def test_while_nobody_works_the_latest_run_takes_the_place_of_earlier_ones(
    lead: Callable[..., Turns], connection: psycopg.Connection
) -> None:
    turns = lead(hourly_job(), now=FIVE_PAST)
    for hours in range(3):
        turns.take(FIVE_PAST + hours * HOUR)
    assert runs(connection) == [("12:05", "skipped"), ("13:05", "skipped"), ("14:05", None)]


def test_a_run_that_fails_is_tried_again_later_and_then_has_failed_for_good(
    lead: Callable[..., Turns], settings: Settings, connection: psycopg.Connection
) -> None:
    row = hourly_job(fail)
    enter(connection, "fail")
    for failures in range(1, MOST_FAILURES):
        perform_run(settings, row, FIVE_PAST, nullcontext)
        state = connection.execute("select failures, outcome, error, send_after > now() from job_runs")
        assert state.fetchall() == [(failures, None, "ValueError: it broke", True)]
    with pytest.raises(ValueError, match="it broke"):
        perform_run(settings, row, FIVE_PAST, nullcontext)
    assert runs(connection) == [("12:05", "failed")]
    perform_run(settings, row, FIVE_PAST, nullcontext)
    assert len(performed) == MOST_FAILURES


def test_a_run_whose_workers_die_again_and_again_is_given_up(
    settings: Settings, connection: psycopg.Connection
) -> None:
    enter(connection)
    connection.execute("update job_runs set attempts = %s", [MOST_ATTEMPTS])
    with pytest.raises(Exception, match="in 20 the worker died"):
        perform_run(settings, hourly_job(), FIVE_PAST, nullcontext)
    assert (performed, runs(connection)) == ([], [("12:05", "failed")])


def test_a_run_is_not_performed_beside_itself(
    settings: Settings, postgres_url: str, connection: psycopg.Connection
) -> None:
    enter(connection)
    with psycopg.connect(postgres_url, autocommit=True) as other:
        assert try_lock(other, "beatline job work_well")
        perform_run(settings, hourly_job(), FIVE_PAST, nullcontext)
    assert (performed, runs(connection)) == ([], [("12:05", None)])


def test_given_the_database_away_then_a_run_waits_for_it_and_is_no_failure() -> None:
    nowhere = Settings(database_url="postgresql://127.0.0.1:1/x")
    perform_run(nowhere, hourly_job(), FIVE_PAST, nullcontext)
    assert performed == []


def test_jobs_that_are_due_every_few_seconds_are_sent_at_their_times_and_leave_no_row(
    lead: Callable[..., Turns], connection: psycopg.Connection
) -> None:
    turns = lead(Row(work_well, every(seconds=5), MINUTE, Missed.SKIP))
    times = []
    for half_second in range(42):
        turns.take(NOON + timedelta(seconds=half_second / 2))
        times += [half_second / 2] * len(sent(turns))
    assert times == [0, 5, 10, 15, 20]
    assert count(connection, "job_runs") == 0


def test_a_full_queue_gets_no_more_messages(
    lead: Callable[..., Turns], connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "MOST_MESSAGES", 3)
    turns = lead(Row(work_well, every(seconds=1), MINUTE, Missed.SKIP), hourly_job(fail))
    for second in range(10):
        turns.take(NOON + timedelta(seconds=second))
    assert queue_length(turns.broker, MAINTENANCE) == 3


def perform_push(settings: Settings, row_id: str, now: datetime) -> None:
    """A task."""


@pytest.fixture
def pushes(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A task with a table of its own."""
    due = "update pushes_of_a_test set sent_at = %(now)s where sent_at is null returning id"
    connection.execute("create table pushes_of_a_test (id bigint, sent_at timestamptz)")
    connection.execute("grant all on pushes_of_a_test to public")
    known = leader.query
    monkeypatch.setattr(leader, "query", lambda name: due if name == "pushes due" else known(name))
    return Task(perform_push, "pushes due", MAINTENANCE, MINUTE)


def test_the_rows_of_a_task_that_are_due_are_sent_once_a_second(
    lead: Callable[..., Turns], connection: psycopg.Connection, pushes: Task
) -> None:
    turns = lead(tasks=(pushes,))
    connection.execute("insert into pushes_of_a_test values (1), (2)")

    turns.take(NOON)
    turns.take(NOON + timedelta(milliseconds=500))
    assert sorted(sent(turns)) == ["1", "2"]
    connection.execute("insert into pushes_of_a_test values (3)")
    turns.take(NOON + timedelta(milliseconds=999))
    assert sent(turns) == []
    turns.take(NOON + timedelta(seconds=1))
    assert sent(turns) == ["3"]


def test_the_schedule_is_published_and_a_job_that_is_no_more_is_forgotten(
    lead: Callable[..., Turns], connection: psycopg.Connection
) -> None:
    old = lead(hourly_job(), hourly_job(fail))
    old.take(NOON)
    lead(Row(fail, daily(hour=1), HOUR, Missed.EACH))

    schedule = connection.execute("select job, every, past, may_take, missed, recorded from job_schedule")
    assert schedule.fetchall() == [("fail", 24 * HOUR, HOUR, HOUR, "each", True)]
    outcomes = connection.execute("select job, outcome from job_runs order by job").fetchall()
    assert outcomes == [("fail", None), ("work_well", "skipped")]


def add_letter(connection: psycopg.Connection, actor: str, arguments: list[str]) -> None:
    """A dead letter that somebody wants sent again."""
    connection.execute(
        "insert into dead_letters (queue, actor, arguments, error, traceback, first_at, at, send_asked_at)"
        " values (%s, %s, %s, '', '', now(), now(), now())",
        [MAINTENANCE, actor, Jsonb(arguments)],
    )


def test_dead_letters_that_somebody_asks_for_are_sent_and_failed_runs_opened_again(
    lead: Callable[..., Turns], connection: psycopg.Connection, pushes: Task
) -> None:
    enter(connection, "fail", FIVE_PAST - HOUR)
    connection.execute("update job_runs set outcome = 'failed', ended_at = now(), attempts = 3, failures = 3")
    turns = lead(hourly_job(fail), tasks=(pushes,))
    add_letter(connection, "perform_push", ["7"])
    add_letter(connection, "fail", [(FIVE_PAST - HOUR).isoformat()])
    add_letter(connection, "gone", ["1"])

    turns.take(NOON)

    assert sent(turns) == ["7", (FIVE_PAST - HOUR).isoformat()]
    assert count(connection, "dead_letters") == 0
    assert connection.execute("select outcome, failures from job_runs").fetchall() == [(None, 0)]


def test_old_runs_are_trimmed_but_for_each_jobs_last_one_and_open_ones(
    settings: Settings, connection: psycopg.Connection
) -> None:
    for job, days, outcome in (
        ("often", 40, "done"), ("often", 31, None), ("often", 29, "done"), ("seldom", 400, "done"),
    ):  # fmt: skip
        enter(connection, job, NOON - timedelta(days=days))
        connection.execute(
            "update job_runs set outcome = %s, ended_at = case when %s::text is not null then due_at end"
            " where job = %s and due_at = %s",
            [outcome, outcome, job, NOON - timedelta(days=days)],
        )
    for days in (91, 89):
        connection.execute(
            "insert into dead_letters (queue, actor, arguments, error, traceback, first_at, at)"
            " values ('q', 'a', %s, '', '', %s, %s)",
            [Jsonb([days]), NOON, NOON - timedelta(days=days)],
        )

    trim_job_runs(settings, NOON)

    kept = [(job, (NOON - due_at).days) for job, due_at, _ in connection.execute(RUNS)]
    assert kept == [("often", 31), ("often", 29), ("seldom", 400)]
    assert connection.execute("select arguments from dead_letters").fetchall() == [([89],)]
