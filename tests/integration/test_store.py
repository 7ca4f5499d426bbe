"""The store: a batch, and an event with the client's id, is stored exactly once, whoever repeats it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing import get_context
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from beatline.errors import StorageError
from beatline.events import Event
from beatline.storage import store as store_module
from beatline.storage.queries import query
from beatline.storage.store import Batch, Store, Stored, write_isolating
from tests.fixtures.storage import (
    NOON,
    NUL_PROPERTIES,
    assert_counts_agree,
    count,
    lock_waiters,
    locked,
    make_event,
    make_events,
    make_rejected,
    stored_users,
    wait_until,
)

SECONDS = 20.0
DAY = timedelta(days=1)
ORDER_17 = UUID("11111111-2222-4333-8444-555555555555")


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    """A store on the fresh database."""
    with closing(Store.connect(postgres_url)) as store:
        yield store


@pytest.fixture
def other(postgres_url: str) -> Iterator[Store]:
    """Another one."""
    with closing(Store.connect(postgres_url)) as store:
        yield store


@pytest.fixture
def in_thread() -> Iterator[Callable[..., Future[Any]]]:
    """Run something in a thread."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit


def given(event_id: UUID = ORDER_17, **fields: Any) -> Event:
    """An event whose id the client gave."""
    return make_event(event_id=event_id, client_id=True, **fields)


def test_a_batch_is_stored_whole(store: Store, connection: psycopg.Connection) -> None:
    batch = Batch(make_events(3, session_id="s"), [make_rejected(), make_rejected()])

    assert store.write(batch) == Stored(events=3, duplicates=0)
    assert stored_users(connection) == ["0", "1", "2"]
    assert count(connection, "rejected_events") == 2
    assert_counts_agree(connection)


def test_the_same_batch_is_stored_once(store: Store, other: Store, connection: psycopg.Connection) -> None:
    batch = Batch(make_events(3), [make_rejected()])
    store.write(batch)

    assert store.write(batch) == Stored(events=0, duplicates=3)
    assert other.write(batch) == Stored(events=0, duplicates=3)
    assert (count(connection, "events"), count(connection, "rejected_events")) == (3, 1)
    assert_counts_agree(connection)


def test_either_engine_stores_a_batch_and_an_id_of_the_client_once(database_url: str) -> None:
    with closing(Store.connect(database_url)) as store:
        batch = Batch([make_event(user_id="ours"), given(user_id="given")], [make_rejected()])
        again = Batch([given(user_id="again", ts=NOON - 90 * DAY), make_event(user_id="ours", ts=NOON - DAY)])
        stored = [store.write(each) for each in (batch, batch, again, again)]

        assert stored == [Stored(2, 0), Stored(0, 2), Stored(1, 1), Stored(0, 2)]
        assert stored_users(store.connection) == ["given", "ours", "ours"]
        assert count(store.connection, "rejected_events") == 1
        assert_counts_agree(store.connection)


def test_either_engine_isolates_what_it_refuses(database_url: str) -> None:
    with closing(Store.connect(database_url)) as store:
        refused = make_event(properties=NUL_PROPERTIES)
        batch = Batch(
            [*make_events(5), refused, make_event(user_id="5", ts=NOON - 90 * DAY)], [make_rejected()]
        )
        first, second = (write_isolating(store, batch) for _ in range(2))

        assert (first.events, second.events, second.duplicates) == (6, 0, 6)
        assert [[event for event, _ in result.refused] for result in (first, second)] == [[refused]] * 2
        assert stored_users(store.connection) == ["0", "1", "2", "3", "4", "5"]
        assert count(store.connection, "rejected_events") == 1
        assert_counts_agree(store.connection)


@pytest.mark.parametrize("commits", [True, False], ids=["commits", "rolls back"])
def test_a_repeated_batch_waits_for_the_attempt_in_flight(
    store: Store,
    other: Store,
    connection: psycopg.Connection,
    in_thread: Callable[..., Future[Stored]],
    commits: bool,
) -> None:
    batch = Batch(make_events(3), [make_rejected()])
    store.connection.execute("begin")
    assert store.write(batch).events == 3
    second = in_thread(other.write, batch)
    wait_until(lambda: lock_waiters(connection) != [])
    assert not second.done()
    store.connection.execute("commit" if commits else "rollback")

    expected = Stored(events=0, duplicates=3) if commits else Stored(events=3, duplicates=0)
    assert second.result(SECONDS) == expected
    assert (count(connection, "events"), count(connection, "rejected_events")) == (3, 1)
    assert_counts_agree(connection)


def test_two_attempts_of_a_batch_at_once_store_it_once(
    owner_url: str, store: Store, other: Store, connection: psycopg.Connection
) -> None:
    batch = Batch(make_events(3))
    with ThreadPoolExecutor() as pool, locked(owner_url, "event_ledger"):
        attempts = []
        for number, writer in enumerate([store, other], start=1):
            attempts.append(pool.submit(writer.write, batch))
            wait_until(lambda number=number: len(lock_waiters(connection)) == number)

    assert sorted(attempt.result().events for attempt in attempts) == [0, 3]
    assert count(connection, "events") == 3


def test_an_id_of_the_client_is_stored_once_within_a_batch(
    store: Store, connection: psycopg.Connection
) -> None:
    events = [given(user_id="first"), make_event(user_id="ours"), given(user_id="again", ts=NOON + DAY)]

    assert store.write(Batch(events)) == Stored(events=2, duplicates=1)
    assert stored_users(connection) == ["first", "ours"]
    assert_counts_agree(connection)


def test_an_id_of_the_client_is_stored_once_across_batches_whatever_its_time_says(
    store: Store, other: Store, connection: psycopg.Connection
) -> None:
    assert store.write(Batch([given(user_id="first")])).events == 1
    for number, writer in enumerate([store, other, store]):
        again = given(user_id="again", ts=NOON + number * DAY)
        assert writer.write(Batch([again, make_event(user_id="ours")])) == Stored(events=1, duplicates=1)

    assert stored_users(connection) == ["first", "ours", "ours", "ours"]
    assert_counts_agree(connection)


def test_ids_are_the_clients_within_its_project(store: Store, connection: psycopg.Connection) -> None:
    assert store.write(Batch([given(), given(project_id=2)])).events == 2
    assert store.write(Batch([given(), given(project_id=2), given(project_id=3)])).events == 1

    projects = connection.execute("select project_id from events order by 1").fetchall()
    assert projects == [(1,), (2,), (3,)]


def test_an_id_of_ours_never_meets_one_of_a_client(store: Store, connection: psycopg.Connection) -> None:
    """The ledger also holds the ids of batches: a client that gives such an id is nobody's duplicate."""
    batch = Batch([make_event()])
    store.write(batch)

    assert store.write(Batch([given(batch.batch_id)])).events == 1
    assert store.write(Batch([make_event()], batch_id=ORDER_17)).events == 1
    assert store.write(Batch([given(ORDER_17)])).events == 1
    assert count(connection, "events") == 4


@pytest.mark.parametrize("commits", [True, False], ids=["commits", "rolls back"])
def test_an_id_of_the_client_waits_for_the_one_in_flight(
    store: Store,
    other: Store,
    connection: psycopg.Connection,
    in_thread: Callable[..., Future[Stored]],
    commits: bool,
) -> None:
    store.connection.execute("begin")
    store.write(Batch([given(user_id="first")]))
    second = in_thread(other.write, Batch([given(user_id="second"), make_event(user_id="ours")]))
    wait_until(lambda: lock_waiters(connection) != [])
    store.connection.execute("commit" if commits else "rollback")

    assert second.result(SECONDS).events == (1 if commits else 2)
    assert stored_users(connection) == sorted(["first" if commits else "second", "ours"])
    assert_counts_agree(connection)


def write_shuffled(database_url: str, seed: int, ids: list[UUID]) -> int:
    """Store every id in random order in small batches; returns how many were new. Runs in a process."""
    chance = random.Random(seed)
    chance.shuffle(ids)
    stored = 0
    with closing(Store.connect(database_url)) as store:
        for start in range(0, len(ids), 20):
            events = [
                given(event_id, user_id=f"u{event_id.int % 7}", ts=NOON - event_id.int % 5 * DAY)
                for event_id in ids[start : start + 20]
            ]
            stored += store.write(Batch(events)).events
    return stored


def test_ids_of_clients_are_stored_once_by_processes_that_write_them_all_at_once(
    postgres_url: str, connection: psycopg.Connection
) -> None:
    """Same ids, sessions and minutes in every order: also nobody dies in a deadlock."""
    ids = [uuid4() for _ in range(400)]
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(write_shuffled, postgres_url, seed, ids) for seed in range(4)]
        stored = sum(future.result(60) for future in futures)

    assert stored == len(ids)
    found = connection.execute("select event_id from events").fetchall()
    assert Counter(event_id for (event_id,) in found) == Counter(ids)
    assert_counts_agree(connection)


@pytest.mark.parametrize(
    "ts",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))),
        datetime(2199, 12, 31, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_an_event_of_any_time_finds_its_partition(
    store: Store, connection: psycopg.Connection, ts: datetime
) -> None:
    assert store.write(Batch([make_event(ts=ts)])).events == 1
    assert connection.execute("select count(*) from events where ts = %s", [ts]).fetchone() == (1,)
    assert connection.execute("select sum(events) from events_by_day").fetchone() == (1,)


def test_an_event_whose_partition_was_dropped_meanwhile_is_stored(
    store: Store, connection: psycopg.Connection
) -> None:
    old = datetime(2001, 2, 3, tzinfo=UTC)
    store.write(Batch([make_event(ts=old, user_id="dropped")]))
    connection.execute(query("drop_event_partitions"), {"before": NOON})

    assert store.write(Batch([make_event(ts=old), make_event()])) == Stored(events=2, duplicates=0)
    assert stored_users(connection) == ["u", "u"]
    assert connection.execute("select sum(events) from events_by_day").fetchone() == (3,)


def test_partitions_that_vanish_again_and_again_do_not_make_an_event_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "make_partitions", lambda *_: None)
    with pytest.raises(StorageError) as refusal:
        store.write(Batch([make_event()]))
    assert not refusal.value.permanent


@pytest.mark.parametrize(
    ("statement", "permanent"),
    [
        ("select 1/0", True),
        ("select '{' ::json", True),
        ("select pg_terminate_backend(pg_backend_pid())", False),
        ("set local statement_timeout = '1ms'; select pg_sleep(10)", False),
        ("select * from no_such_table", False),
        ("do $$ begin raise serialization_failure; end $$", False),
        ("do $$ begin raise deadlock_detected; end $$", False),
        ("do $$ begin raise disk_full; end $$", False),
    ],
)
def test_errors_of_the_driver_say_whether_repeating_can_help(
    store: Store, statement: str, permanent: bool
) -> None:
    with pytest.raises(StorageError) as refusal, store_module.translated_errors():
        store.connection.execute(statement)
    assert refusal.value.permanent is permanent


def test_a_refused_batch_leaves_nothing_behind(store: Store, connection: psycopg.Connection) -> None:
    batch = Batch([*make_events(2), make_event(properties=NUL_PROPERTIES)], [make_rejected()])
    for _ in range(2):
        with pytest.raises(StorageError) as refusal:
            store.write(batch)
        assert refusal.value.permanent
    for table in ("events", "rejected_events", "sessions", "event_ledger", "events_by_minute"):
        assert count(connection, table) == 0, table


def test_sessions_know_when_they_were_seen(store: Store, connection: psycopg.Connection) -> None:
    """Seen is the earlier of ts and received_at, whatever order the events come in."""
    times = [(0, 0), (-600, 0), (3_600, 10), (5, 20), (-5, 30)]
    for ts, received_at in times:
        at, received = (NOON + timedelta(seconds=seconds) for seconds in (ts, received_at))
        store.write(Batch([make_event(ts=at, received_at=received, session_id="s")]))

    row = connection.execute("select started_at, last_seen_at, events from sessions").fetchall()
    assert row == [(NOON - timedelta(seconds=600), NOON + timedelta(seconds=10), 5)]
