"""The ledger of ids: remembered for one to two rotations, and never missed while it rotates."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.store import Batch, Store, Stored
from tests.fixtures.storage import NOON, count, lock_waiters, make_event, make_events, wait_until
from workers.maintenance import LEDGER_AGE, rotate_ledger

ORDER_17 = UUID("11111111-2222-4333-8444-555555555555")
SECONDS = 20.0


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    """A store on the fresh database."""
    with closing(Store.connect(postgres_url)) as store:
        yield store


def rotate(connection: psycopg.Connection) -> bool:
    """Rotate now."""
    parameters = {"at": NOON, "min_age": timedelta(days=-36_500)}
    row = connection.execute(query("rotate_event_ledger"), parameters).fetchone()
    return bool(row and row[0])


def order_17() -> Batch:
    """A batch of its own with an event whose id the client gave."""
    return Batch([make_event(event_id=ORDER_17, client_id=True)])


def test_an_id_is_remembered_over_one_rotation_and_forgotten_after_two(
    store: Store, connection: psycopg.Connection
) -> None:
    stored = [store.write(order_17()).events]
    for _ in range(3):
        assert rotate(connection)
        stored.append(store.write(order_17()).events)

    assert stored == [1, 0, 1, 0]


def test_a_batch_is_remembered_over_one_rotation(store: Store, connection: psycopg.Connection) -> None:
    batch = Batch(make_events(3))
    store.write(batch)
    assert rotate(connection)

    assert store.write(batch) == Stored(events=0, duplicates=3)
    assert count(connection, "events") == 3


def test_an_id_met_again_is_not_remembered_longer(store: Store, connection: psycopg.Connection) -> None:
    """Its first meeting counts: the ledger stays as small as the ids that are new in two rotations."""
    store.write(order_17())
    rotate(connection)
    store.write(order_17())
    rows = connection.execute("select generation from event_ledger where project_id = 1").fetchall()
    assert rows == [(0,)]


def test_a_rotation_empties_the_older_generation_only(store: Store, connection: psycopg.Connection) -> None:
    sizes = []
    for number in range(4):
        batch = Batch([make_event(event_id=UUID(int=number + 1), client_id=True)])
        assert store.write(batch).events == 1
        sizes.append((count(connection, "event_ledger_0"), count(connection, "event_ledger_1")))
        rotate(connection)

    assert sizes == [(2, 0), (2, 2), (2, 2), (2, 2)]


@pytest.mark.parametrize(
    ("age", "rotates"),
    [(timedelta(), False), (LEDGER_AGE - timedelta(seconds=1), False), (LEDGER_AGE, True)],
)
def test_the_schedule_rotates_a_generation_that_is_a_day_old(
    workers_url: str, redis_url: str, connection: psycopg.Connection, age: timedelta, rotates: bool
) -> None:
    settings = Settings(database_url=workers_url, redis_url=redis_url)
    statement = "select current, rotated_at from event_ledger_state"
    before: tuple[int, datetime] | None = connection.execute(statement).fetchone()
    assert before
    rotate_ledger(settings, before[1] + age)
    rotate_ledger(settings, before[1] + age)

    expected = (1 - before[0], before[1] + age) if rotates else before
    assert connection.execute(statement).fetchone() == expected


@pytest.mark.parametrize("commits", [True, False], ids=["commits", "rolls back"])
def test_a_rotation_waits_for_the_writers_in_flight(
    workers_url: str, store: Store, connection: psycopg.Connection, commits: bool
) -> None:
    with psycopg.connect(workers_url, autocommit=True) as rotator, ThreadPoolExecutor() as pool:
        store.connection.execute("begin")
        assert store.write(order_17()).events == 1
        rotation = pool.submit(rotate, rotator)
        wait_until(lambda: lock_waiters(connection) == [rotator.info.backend_pid])
        assert not rotation.done()
        store.connection.execute("commit" if commits else "rollback")
        assert rotation.result(SECONDS)

    assert store.write(order_17()).events == (0 if commits else 1)
    assert count(connection, "events") == 1


def test_a_rotation_waits_for_a_writer_that_has_read_the_generation_but_claimed_nothing_yet(
    postgres_url: str, owner_url: str, workers_url: str, store: Store, connection: psycopg.Connection
) -> None:
    """Otherwise its claim, in the older generation by then, would be missed by those that come later."""
    with (
        closing(Store.connect(postgres_url)) as second,
        psycopg.connect(workers_url, autocommit=True) as rotator,
        ThreadPoolExecutor() as pool,
    ):
        store.connection.execute("begin")
        with psycopg.connect(owner_url) as blocker:
            blocker.execute("lock table event_ledger_0 in exclusive mode")
            first = pool.submit(store.write, order_17())
            wait_until(lambda: len(lock_waiters(connection)) == 1)
            rotation = pool.submit(rotate, rotator)
            wait_until(lambda: len(lock_waiters(connection)) == 2)
        assert first.result(SECONDS).events == 1
        assert not rotation.done()
        again = pool.submit(second.write, order_17())
        wait_until(lambda: len(lock_waiters(connection)) == 2)
        store.connection.execute("commit")

        assert rotation.result(SECONDS)
        assert again.result(SECONDS) == Stored(events=0, duplicates=1)
    assert count(connection, "events") == 1


def test_writers_that_arrive_during_a_rotation_know_what_was_in_flight_before_it(
    postgres_url: str, workers_url: str, store: Store, connection: psycopg.Connection
) -> None:
    """The same id in flight on both sides of a rotation, the second writer waiting for the rotation."""
    with (
        closing(Store.connect(postgres_url)) as second,
        psycopg.connect(workers_url, autocommit=True) as rotator,
        ThreadPoolExecutor() as pool,
    ):
        store.connection.execute("begin")
        store.write(order_17())
        rotation = pool.submit(rotate, rotator)
        wait_until(lambda: len(lock_waiters(connection)) == 1)
        again = pool.submit(second.write, order_17())
        wait_until(lambda: len(lock_waiters(connection)) == 2)
        assert not again.done()
        store.connection.execute("commit")

        assert rotation.result(SECONDS)
        assert again.result(SECONDS) == Stored(events=0, duplicates=1)
    assert count(connection, "events") == 1


def test_ids_are_stored_once_by_many_writers_while_the_ledger_rotates(
    postgres_url: str, connection: psycopg.Connection
) -> None:
    ids = [UUID(int=number) for number in range(1, 251)]

    def write_each_twice(part: int) -> int:
        with closing(Store.connect(postgres_url)) as store:
            events = [make_event(event_id=event_id, client_id=True) for event_id in ids[part * 50 :][:100]]
            return sum(store.write(Batch([event])).events for event in events for _ in range(2))

    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(write_each_twice, part) for part in range(4)]
        wait_until(lambda: count(connection, "events") > 50)
        assert rotate(connection)
        assert sum(writer.result(60) for writer in writers) == len(ids)
    assert count(connection, "event_ledger_0") > 50
    assert count(connection, "event_ledger_1") > 50
    assert count(connection, "events") == len(ids)
