"""The writer: group commit, bounds, and what becomes of events while database or spill are away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from threading import Thread
from typing import Any

import msgspec
import psycopg
import pytest

from beatline.errors import Overloaded, StorageError
from beatline.events import Event, RejectedEvent
from beatline.storage import writer as writer_module
from beatline.storage.drain import drain
from beatline.storage.migrate import migrate
from beatline.storage.spill import Spill
from beatline.storage.store import Batch, Store, Stored
from beatline.storage.writer import Flush, Limits, Outcome, Submission, Writer
from tests.fixtures.storage import (
    NUL_PROPERTIES,
    count,
    lock_waiters,
    locked,
    make_event,
    make_events,
    make_rejected,
    stored_users,
    wait_until,
)

NOWHERE = "postgresql://beatline@127.0.0.1:1/beatline"
NO_VALKEY = "redis://127.0.0.1:1/0"
LEDGER_STATE = "event_ledger_state"  # the first table that a batch touches
SECONDS = 20.0

StartWriter = Callable[..., Writer]


@pytest.fixture
def spill(redis_url: str) -> Iterator[Spill]:
    """The spill of an empty Valkey."""
    spill = Spill(redis_url, 100)
    yield spill
    spill.close()


@pytest.fixture
def start(postgres_url: str) -> Iterator[StartWriter]:
    """Start writers that are closed at the end; by default on the fresh database, without a spill."""
    writers = []

    def started(
        connect: Callable[[], Store] | None = None, spill: Spill | None = None, **more: Any
    ) -> Writer:
        writers.append(Writer(connect or partial(Store.connect, postgres_url), spill, **more))
        return writers[-1]

    yield started
    for writer in writers:
        writer.close()


def submit(
    writer: Writer, events: list[Event], rejected: list[RejectedEvent] | None = None, size: int = 0
) -> Submission:
    """Queue events."""
    submission = Submission(events, rejected or [], size)
    writer.submit(submission)
    return submission


def outcome(submission: Submission) -> Outcome | None:
    """What became of a submission, once it is known."""
    assert submission.wait(SECONDS), "no outcome"
    return submission.outcome


def test_requests_that_arrive_during_a_transaction_share_the_next_one(
    start: StartWriter, owner_url: str, connection: psycopg.Connection
) -> None:
    flushes: list[Flush] = []
    writer = start(on_flush=flushes.append)
    with locked(owner_url, LEDGER_STATE):
        first = submit(writer, make_events(1))
        wait_until(lambda: lock_waiters(connection) != [])
        others = [submit(writer, make_events(2), [make_rejected()]) for _ in range(5)]
        assert not first.wait(0)

    assert {outcome(submission) for submission in [first, *others]} == {Outcome.COMMITTED}
    transactions = connection.execute("select count(*) from events group by xmin order by 1").fetchall()
    assert transactions == [(1,), (10,)]
    assert count(connection, "rejected_events") == 5
    writer.close()
    assert [(flush.outcome, flush.submissions, flush.events) for flush in flushes] == [
        (Outcome.COMMITTED, 1, 1),
        (Outcome.COMMITTED, 5, 10),
    ]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(flush_events=4), [2, 4, 4, 2, 5]),
        (Limits(flush_bytes=200), [2, 4, 4, 2, 5]),
        (Limits(), [2, 15]),
    ],
    ids=["events", "bytes", "neither"],
)
def test_a_transaction_is_bounded_and_a_larger_request_goes_alone(
    start: StartWriter,
    owner_url: str,
    connection: psycopg.Connection,
    limits: Limits,
    expected: list[int],
) -> None:
    flushes: list[Flush] = []
    writer = start(limits=limits, on_flush=flushes.append)
    with locked(owner_url, LEDGER_STATE):
        submissions = [submit(writer, make_events(2), size=100)]
        wait_until(lambda: lock_waiters(connection) != [])
        submissions += [submit(writer, make_events(2), size=100) for _ in range(5)]
        submissions.append(submit(writer, make_events(5), size=250))

    assert {outcome(submission) for submission in submissions} == {Outcome.COMMITTED}
    writer.close()
    assert [flush.events for flush in flushes] == expected


@pytest.mark.parametrize(
    ("limits", "size"),
    [(Limits(queue_events=10), 1), (Limits(queue_bytes=1_000), 100)],
    ids=["events", "bytes"],
)
def test_a_full_queue_refuses_at_once_and_takes_again_when_it_has_room(
    start: StartWriter, owner_url: str, connection: psycopg.Connection, limits: Limits, size: int
) -> None:
    writer = start(limits=limits)
    with locked(owner_url, LEDGER_STATE):
        accepted = [submit(writer, make_events(1), size=size)]
        wait_until(lambda: lock_waiters(connection) != [])
        accepted += [submit(writer, make_events(1), size=size) for _ in range(10)]
        with pytest.raises(Overloaded) as refusal:
            submit(writer, make_events(1), size=size)
        overloaded_while_full = writer.overloaded

    assert refusal.value.retry_after > 0
    assert overloaded_while_full
    assert {outcome(submission) for submission in accepted} == {Outcome.COMMITTED}
    assert outcome(submit(writer, make_events(10), size=10 * size)) is Outcome.COMMITTED
    assert (writer.queued_events, writer.queued_bytes) == (0, 0)
    assert not writer.overloaded
    assert count(connection, "events") == 21


def test_what_no_queue_could_hold_is_refused_and_nothing_else_is(start: StartWriter) -> None:
    writer = start(limits=Limits(queue_events=10))
    with pytest.raises(Overloaded):
        submit(writer, make_events(11))
    assert not writer.overloaded
    assert outcome(submit(writer, make_events(10))) is Outcome.COMMITTED


def test_closing_stores_what_is_queued_and_takes_nothing_more(
    start: StartWriter, owner_url: str, connection: psycopg.Connection
) -> None:
    writer = start()
    closing = Thread(target=writer.close, args=[SECONDS])
    with locked(owner_url, LEDGER_STATE):
        submissions = [submit(writer, make_events(1))]
        wait_until(lambda: lock_waiters(connection) != [])
        submissions += [submit(writer, make_events(1)) for _ in range(3)]
        closing.start()
        wait_until(lambda: writer.closing)
        with pytest.raises(Overloaded):
            submit(writer, make_events(1))
    closing.join(SECONDS)

    assert not writer.thread.is_alive()
    assert {outcome(submission) for submission in submissions} == {Outcome.COMMITTED}
    assert count(connection, "events") == 4


def test_a_submission_without_outcome_is_not_acknowledged(start: StartWriter, owner_url: str) -> None:
    writer = start()
    with locked(owner_url, LEDGER_STATE):
        submission = submit(writer, make_events(1))
        assert not submission.wait(0.01)
        assert submission.outcome is None
    assert outcome(submission) is Outcome.COMMITTED


POISON: dict[str, dict[str, Any]] = {
    "NUL in properties": {"properties": NUL_PROPERTIES},
    "a NUL byte in properties": {"properties": msgspec.Raw(b'{"a":"\x00"}')},
    "properties that are no JSON": {"properties": msgspec.Raw(b'{"a":')},
    "a number beyond numeric": {"properties": msgspec.Raw(b'{"a":1e999999}')},
    "deep nesting": {"properties": msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)},
    "NUL in a text": {"user_id": "a\0b"},
    "a key beyond its index": {"page_url": "".join(map(chr, range(0x4E00, 0x6000)))},
    "a project beyond integer": {"project_id": 2**40},
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_an_event_that_the_database_refuses_costs_its_neighbours_nothing(
    start: StartWriter, owner_url: str, connection: psycopg.Connection, poison: dict[str, Any]
) -> None:
    writer = start()
    refused = make_event(**poison)
    with locked(owner_url, LEDGER_STATE):
        submit(writer, make_events(1))
        wait_until(lambda: lock_waiters(connection) != [])
        before = submit(writer, [make_event(user_id="before")], [make_rejected()])
        beside = submit(writer, [make_event(user_id="beside 1"), refused, make_event(user_id="beside 2")])
        after = submit(writer, [make_event(user_id="after")], [make_rejected()])

    assert (outcome(before), outcome(beside), outcome(after)) == (
        Outcome.COMMITTED,
        Outcome.REFUSED,
        Outcome.COMMITTED,
    )
    assert [event for event, _ in beside.refused] == [refused]
    assert beside.refused[0][1].permanent
    assert (before.refused, after.refused) == ([], [])
    assert stored_users(connection) == ["0", "after", "before", "beside 1", "beside 2"]
    assert count(connection, "rejected_events") == 2


def test_a_rejected_event_that_the_database_refuses_costs_its_neighbours_nothing(
    start: StartWriter, connection: psycopg.Connection
) -> None:
    rejected = [make_rejected(raw="1"), make_rejected(raw="\0"), make_rejected(raw="3")]
    assert outcome(submit(start(), make_events(2), rejected)) is Outcome.COMMITTED

    assert stored_users(connection) == ["0", "1"]
    kept = connection.execute("select raw from rejected_events order by raw").fetchall()
    assert kept == [("1",), ("3",)]


def test_events_go_to_the_spill_while_the_database_is_away(start: StartWriter, spill: Spill) -> None:
    flushes: list[Flush] = []
    writer = start(partial(Store.connect, NOWHERE), spill, on_flush=flushes.append)
    events = make_events(3)

    assert outcome(submit(writer, events, [make_rejected()])) is Outcome.SPILLED
    [(_, batch)] = spill.oldest(10)
    assert (batch.events, batch.rejected) == (events, [make_rejected()])
    writer.close()
    assert [(flush.outcome, flush.events) for flush in flushes] == [(Outcome.SPILLED, 3)]


@pytest.mark.parametrize("redis", [None, NO_VALKEY], ids=["no spill", "spill away"])
def test_nothing_is_acknowledged_while_database_and_spill_are_away(
    start: StartWriter, redis: str | None
) -> None:
    away = Spill(redis, 100) if redis else None
    writer = start(partial(Store.connect, NOWHERE), away)

    assert outcome(submit(writer, make_events(1))) is Outcome.UNAVAILABLE
    assert outcome(submit(writer, make_events(1))) is Outcome.UNAVAILABLE


def test_nothing_is_acknowledged_when_the_spill_is_full(start: StartWriter, redis_url: str) -> None:
    full = Spill(redis_url, 2)
    writer = start(partial(Store.connect, NOWHERE), full)
    outcomes = [outcome(submit(writer, make_events(1))) for _ in range(4)]

    assert outcomes == [Outcome.SPILLED, Outcome.SPILLED, Outcome.UNAVAILABLE, Outcome.UNAVAILABLE]
    assert full.backlog() == 2
    full.close()


def test_a_database_that_is_not_migrated_counts_as_away_until_it_is(
    start: StartWriter, empty_postgres_url: str, spill: Spill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "RECONNECT_SECONDS", 0.0)
    writer = start(partial(Store.connect, empty_postgres_url), spill)
    assert outcome(submit(writer, make_events(1))) is Outcome.SPILLED

    migrate(empty_postgres_url)

    assert outcome(submit(writer, make_events(1))) is Outcome.COMMITTED


def test_the_writer_comes_back_to_the_database_by_itself(
    start: StartWriter, postgres_url: str, spill: Spill, connection: psycopg.Connection
) -> None:
    urls = [NOWHERE]
    writer = start(lambda: Store.connect(urls[0]), spill)
    assert outcome(submit(writer, make_events(1))) is Outcome.SPILLED
    urls[0] = postgres_url

    wait_until(lambda: outcome(submit(writer, make_events(1))) is Outcome.COMMITTED)
    waiting = spill.backlog()
    store = Store.connect(postgres_url)
    drained = drain(spill, store)
    store.close()

    assert drained.batches == waiting
    assert count(connection, "events") == waiting + 1


def test_a_connection_that_breaks_before_the_commit_stores_through_the_spill(
    start: StartWriter, postgres_url: str, owner_url: str, spill: Spill, connection: psycopg.Connection
) -> None:
    writer = start(spill=spill)
    with locked(owner_url, "sessions"):
        submission = submit(writer, make_events(3))
        wait_until(lambda: lock_waiters(connection) != [])
        [backend] = lock_waiters(connection)
        connection.execute("select pg_terminate_backend(%s)", [backend])
        assert outcome(submission) is Outcome.SPILLED
    assert count(connection, "events") == 0

    store = Store.connect(postgres_url)
    assert drain(spill, store).events == 3
    store.close()
    assert stored_users(connection) == ["0", "1", "2"]


class Deaf(Store):
    """A store whose connection breaks after each commit, before the answer."""

    def store_batch(self, batch: Batch) -> Stored:
        super().store_batch(batch)
        self.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


def test_a_commit_whose_answer_is_lost_stores_once(
    start: StartWriter, postgres_url: str, spill: Spill, connection: psycopg.Connection
) -> None:
    writer = start(partial(Deaf.connect, postgres_url), spill)
    assert outcome(submit(writer, make_events(3), [make_rejected()])) is Outcome.SPILLED
    assert count(connection, "events") == 3

    store = Store.connect(postgres_url)
    drained = drain(spill, store)
    store.close()

    assert (drained.events, drained.duplicates) == (0, 3)
    assert (count(connection, "events"), count(connection, "rejected_events")) == (3, 1)


@pytest.mark.parametrize("fault", ["connect", "report"])
def test_a_fault_of_ours_does_not_end_the_writer(
    start: StartWriter, postgres_url: str, connection: psycopg.Connection, fault: str
) -> None:
    faults = [fault]

    def connect() -> Store:
        if faults and fault == "connect":
            raise RuntimeError(faults.pop())
        return Store.connect(postgres_url)

    def report(_: Flush) -> None:
        if faults and fault == "report":
            raise OSError(faults.pop())

    writer = start(connect, on_flush=report)
    expected = Outcome.UNAVAILABLE if fault == "connect" else Outcome.COMMITTED

    assert outcome(submit(writer, make_events(1))) is expected
    assert outcome(submit(writer, make_events(1))) is Outcome.COMMITTED
    assert faults == []


def test_a_store_that_cannot_be_used_leaves_no_connection(
    empty_postgres_url: str, postgres_url: str, connection: psycopg.Connection
) -> None:
    connection.execute("drop function store_batch")
    for url in (empty_postgres_url, postgres_url):
        with pytest.raises(StorageError) as refusal:
            Store.connect(url)
        assert not refusal.value.permanent
        wait_until(partial(nobody_else_is_connected, connection, url))


def nobody_else_is_connected(connection: psycopg.Connection, url: str) -> bool:
    """Whether a database has no connection but perhaps this one."""
    statement = "select 1 from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"
    return connection.execute(statement, [url.rpartition("/")[2]]).fetchone() is None
