"""The actors on Valkey and on RabbitMQ: what is sent is worked off, whatever happens to the worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from dramatiq import Broker
from prometheus_client import CollectorRegistry

from beatline.due_times import Missed, every
from beatline.errors import StartError
from beatline.events import utc_now
from beatline.settings import Settings
from tests.fixtures.storage import wait_until
from workers import actors
from workers.__main__ import stop_all
from workers.actors import THREADS, Work, make_actors, make_workers, sending_broker
from workers.broker import open_broker, queue_length, read_queue_lengths
from workers.leader import Turns
from workers.schedule import Row
from workers.tasks import EXPORTS, MAINTENANCE, PUSHES, QUEUES, Task

MINUTE = timedelta(minutes=1)
LETTERS = "select queue, actor, arguments, error, times from dead_letters order by actor, arguments"

done: list[str] = []
begun: list[str] = []
may_end = threading.Event()


@pytest.fixture(autouse=True)
def nothing_done(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins anew, and what fails is tried again soon."""
    done.clear()
    begun.clear()
    may_end.clear()
    monkeypatch.setattr(actors, "FIRST_RETRY", timedelta(milliseconds=10))
    monkeypatch.setattr(actors, "LAST_RETRY", timedelta(milliseconds=20))
    yield
    may_end.set()


def push(settings: Settings, row_id: str, now: datetime) -> None:
    """A task that is done at once."""
    done.append(row_id)


def export(settings: Settings, row_id: str, now: datetime) -> None:
    """A task that takes as long as the test wants."""
    begun.append(row_id)
    may_end.wait(30)
    done.append(row_id)


def break_twice(settings: Settings, row_id: str, now: datetime) -> None:
    """A task that works at the third attempt."""
    begun.append(row_id)
    if len(begun) < 3:
        raise ConnectionError("away")
    done.append(row_id)


def break_always(settings: Settings, row_id: str, now: datetime) -> None:
    """A task that never works."""
    raise ValueError("of no use \0")


def take_forever(settings: Settings, now: datetime) -> None:
    """A job that does not come to an end."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        time.sleep(0.01)
    done.append("forever")


def drain(settings: Settings, now: datetime) -> None:
    """A job that is due all the time."""
    done.append("drained")


TASKS = tuple(
    Task(perform, "", queue, MINUTE)
    for perform, queue in ((push, PUSHES), (export, EXPORTS), (break_twice, PUSHES), (break_always, EXPORTS))
)
WORK = Work(
    (
        Row(drain, every(seconds=1), MINUTE, Missed.SKIP),
        Row(take_forever, every(seconds=1), timedelta(milliseconds=200), Missed.SKIP),
    ),
    TASKS,
)


@pytest.fixture
def settings(workers_url: str, redis_url: str, broker_url: str) -> Settings:
    """The services, on a broker of each kind in turns."""
    return Settings(database_url=workers_url, redis_url=redis_url, broker_url=broker_url)


@contextmanager
def working(settings: Settings, *queues: str) -> Iterator[Broker]:
    """Workers of some queues in this process, or of all; and a broker to send with."""
    made = make_actors(settings, CollectorRegistry(), WORK)
    broker = sending_broker(made)
    workers = make_workers(made, queues or QUEUES)
    for worker in workers:
        worker.start()
    try:
        yield broker
    finally:
        stop_all(workers)
        broker.close()


def test_what_is_sent_is_performed_once(settings: Settings) -> None:
    with working(settings, PUSHES) as broker:
        for number in range(20):
            broker.get_actor("push").send(str(number))
        wait_until(lambda: len(done) == 20)
        wait_until(lambda: queue_length(broker, PUSHES) == 0)
    assert sorted(done, key=int) == [str(number) for number in range(20)]


def test_long_exports_keep_neither_pushes_nor_the_drain_waiting(settings: Settings) -> None:
    with working(settings, EXPORTS, PUSHES, MAINTENANCE) as broker:
        for number in range(3 * THREADS[EXPORTS]):
            broker.get_actor("export").send(str(number))
        wait_until(lambda: len(begun) == THREADS[EXPORTS])
        broker.get_actor("push").send("push")
        broker.get_actor("drain").send()
        wait_until(lambda: sorted(done) == ["drained", "push"])
        assert len(begun) == THREADS[EXPORTS]
        may_end.set()


def test_a_graceful_stop_ends_what_was_begun_and_gives_back_the_rest(settings: Settings) -> None:
    """The rest are messages that the process has fetched, too."""
    numbers = [str(number) for number in range(3 * THREADS[EXPORTS])]
    with working(settings, EXPORTS) as broker:
        for number in numbers:
            broker.get_actor("export").send(number)
        wait_until(lambda: len(begun) == THREADS[EXPORTS])
        threading.Timer(1, may_end.set).start()
        stopped_at = time.monotonic()
    assert time.monotonic() - stopped_at < 10
    first = sorted(done)
    assert first == sorted(begun)
    assert len(first) < len(numbers)

    with working(settings, EXPORTS):
        wait_until(lambda: len(done) == len(numbers))
    assert sorted(done) == numbers


def test_a_task_that_breaks_is_tried_again(settings: Settings, connection: psycopg.Connection) -> None:
    with working(settings, PUSHES) as broker:
        broker.get_actor("break_twice").send("7")
        wait_until(lambda: done == ["7"])
    assert len(begun) == 3
    assert connection.execute(LETTERS).fetchall() == []


def test_what_fails_for_good_is_a_dead_letter_and_can_be_sent_again(
    settings: Settings, workers_url: str, connection: psycopg.Connection
) -> None:
    def letters() -> list[Any]:
        return connection.execute(LETTERS).fetchall()

    letter = (EXPORTS, "break_always", ["7"], "ValueError: of no use")
    with working(settings, EXPORTS) as broker:
        broker.get_actor("break_always").send("7")
        wait_until(lambda: letters() == [(*letter, 1)])
        broker.get_actor("break_always").send("7")
        wait_until(lambda: letters() == [(*letter, 2)])
        row = connection.execute("select traceback from dead_letters").fetchone()
        assert row
        assert "in break_always" in row[0]

        connection.execute("update dead_letters set send_asked_at = now()")
        with psycopg.connect(workers_url, autocommit=True) as leader:
            Turns(leader, WORK, broker, utc_now()).send_again_dead_letters(utc_now())
        wait_until(lambda: letters() == [(*letter, 1)])


def test_a_job_that_takes_too_long_is_interrupted(settings: Settings, connection: psycopg.Connection) -> None:
    with working(settings, MAINTENANCE) as broker:
        broker.get_actor("take_forever").send()
        wait_until(lambda: len(connection.execute(LETTERS).fetchall()) == 1)
    ((_, actor, arguments, error, _),) = connection.execute(LETTERS).fetchall()
    assert (actor, arguments, error) == ("take_forever", [], "TimeLimitExceeded:")
    assert done == []


def test_the_lengths_of_queues_are_those_of_what_waits(settings: Settings) -> None:
    made = make_actors(settings, CollectorRegistry(), WORK)
    broker = sending_broker(made)
    assert read_queue_lengths(settings, QUEUES) == dict.fromkeys(QUEUES, 0)
    for number in range(3):
        broker.get_actor("push").send(str(number))
    expected = dict.fromkeys(QUEUES, 0) | {PUSHES: 3}
    assert read_queue_lengths(settings, QUEUES) == expected
    assert {queue: queue_length(broker, queue) for queue in QUEUES} == expected
    broker.close()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "amqp://guest:guest@127.0.0.1:1/%2F"])
def test_given_a_broker_that_is_away_then_its_queues_have_no_length(url: str) -> None:
    assert read_queue_lengths(Settings(broker_url=url), QUEUES) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1", "amqps//x", "nats://127.0.0.1"])
def test_a_broker_of_no_known_kind_is_refused_by_name(url: str) -> None:
    with pytest.raises(StartError, match="BEATLINE_BROKER_URL"):
        open_broker(Settings(broker_url=url), ())


def test_without_a_broker_url_valkey_is_the_broker(redis_url: str) -> None:
    assert read_queue_lengths(Settings(redis_url=redis_url), QUEUES) == dict.fromkeys(QUEUES, 0)
