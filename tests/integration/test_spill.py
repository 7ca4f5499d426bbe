"""The spill and its drain: what waited in Valkey is stored oldest first, each batch exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import psycopg
import pytest
import redis

from beatline.errors import SpillError, StorageError
from beatline.events import Event
from beatline.settings import Settings
from beatline.storage.drain import Drained, drain
from beatline.storage.spill import STREAM, Spill
from beatline.storage.store import Batch, Store, Stored
from beatline.storage.writer import Outcome, Submission, Writer
from tests.fixtures.storage import (
    NOON,
    NUL_PROPERTIES,
    assert_counts_agree,
    count,
    make_event,
    make_events,
    make_rejected,
    stored_users,
)
from workers.maintenance import drain_spill, try_lock

NO_VALKEY = "redis://127.0.0.1:1/0"


@pytest.fixture
def spill(redis_url: str) -> Iterator[Spill]:
    """The spill of an empty Valkey."""
    with closing(Spill(redis_url, 1_000)) as spill:
        yield spill


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    """A store on the fresh database."""
    with closing(Store.connect(postgres_url)) as store:
        yield store


def full_event() -> Event:
    """An event with every field set."""
    return Event(
        project_id=7,
        event_id=uuid4(),
        ts=datetime(2001, 2, 3, 4, 5, 6, 789_012, tzinfo=UTC),
        received_at=datetime(2026, 2, 3, 4, 5, 6, 1, tzinfo=UTC),
        event_type="Zahlung ✓",
        user_id="Zoë",
        anonymous_id="",
        session_id='"\\',
        device_id="d",
        page_url="/a?b=c&d=%20",
        app_version="1",
        os_name="iOS",
        os_version="17",
        properties=msgspec.Raw('{"a":[1.50,null,{"ü":"\\n"}]}'.encode()),
        profile=msgspec.Raw(b'{"set":{"plan":"pro"}}'),
        client_id=True,
    )


def test_a_batch_comes_out_of_the_spill_as_it_went_in(spill: Spill) -> None:
    batches = [
        Batch([full_event(), make_event()], [make_rejected(raw='{"a":"\\u0000"')]),
        Batch([], [make_rejected(), make_rejected(event=full_event())]),
        Batch(make_events(2_000)),
    ]
    for batch in batches:
        spill.append(batch)

    assert spill.backlog() == 3
    assert [batch for _, batch in spill.oldest(10)] == batches
    assert [batch for _, batch in spill.oldest(1)] == batches[:1]


def test_an_entry_that_is_removed_is_gone(spill: Spill) -> None:
    batches = [Batch(make_events(1)) for _ in range(3)]
    for batch in batches:
        spill.append(batch)
    [_, (second, _), _] = spill.oldest(10)
    spill.remove(second)
    spill.remove(second)

    assert [batch for _, batch in spill.oldest(10)] == [batches[0], batches[2]]


def test_a_full_spill_refuses_and_keeps_what_it_has(redis_url: str) -> None:
    with closing(Spill(redis_url, 1)) as spill:
        spill.append(Batch(make_events(1)))
        with pytest.raises(SpillError, match="full"):
            spill.append(Batch(make_events(1)))
        assert spill.backlog() == 1


def test_a_valkey_without_memory_refuses_and_keeps_what_it_has(spill: Spill, redis_url: str) -> None:
    spill.append(Batch(make_events(1)))
    with redis.Redis.from_url(redis_url) as client:
        allowed = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(SpillError, match="maxmemory"):
                spill.append(Batch(make_events(1)))
        finally:
            client.config_set("maxmemory", allowed)
    assert spill.backlog() == 1


def test_a_valkey_that_is_away_is_an_error_of_the_spill() -> None:
    with closing(Spill(NO_VALKEY, 1)) as spill:
        for act in (lambda: spill.append(Batch(make_events(1))), lambda: spill.oldest(1), spill.backlog):
            with pytest.raises(SpillError):
                act()


def test_a_drain_stores_oldest_first(spill: Spill, store: Store, connection: psycopg.Connection) -> None:
    for number in range(120):
        spill.append(Batch([make_event(user_id=f"{number:03}")], [make_rejected(raw=f"{number:03}")]))

    assert drain(spill, store) == Drained(batches=120, events=120)
    assert spill.backlog() == 0
    kept = connection.execute("select raw from rejected_events order by rejected_id").fetchall()
    assert [raw for (raw,) in kept] == [f"{number:03}" for number in range(120)]
    assert stored_users(connection) == [f"{number:03}" for number in range(120)]
    assert_counts_agree(connection)


def test_an_event_keeps_every_field_through_the_spill(
    spill: Spill, store: Store, connection: psycopg.Connection
) -> None:
    event = full_event()
    store.write(Batch([event]))
    spill.append(Batch([full := full_event()]))
    drain(spill, store)

    columns = "ts, received_at, event_type, user_id, anonymous_id, session_id, device_id, page_url"
    columns += ", app_version, os_name, os_version, properties::text"
    rows = connection.execute(f"select {columns} from events where project_id = 7").fetchall()
    assert len(rows) == 2
    assert rows[0] == rows[1]
    assert rows[0][:4] == (full.ts, full.received_at, "Zahlung ✓", "Zoë")


class Forgetful(Spill):
    """A spill of which entries cannot be removed, as if the drain were killed after each commit."""

    def remove(self, entry_id: bytes) -> None:
        raise SpillError("killed")


def test_a_drain_killed_between_commit_and_removal_stores_once(
    redis_url: str, spill: Spill, store: Store, connection: psycopg.Connection
) -> None:
    client_id = uuid4()
    batches = [Batch([*make_events(2), make_event(event_id=client_id, client_id=True)], [make_rejected()])]
    batches.append(Batch([make_event(event_id=client_id, client_id=True), make_event(user_id="2")]))
    for batch in batches:
        spill.append(batch)
    with closing(Forgetful(redis_url, 1)) as forgetful:
        for _ in range(2):
            with pytest.raises(SpillError):
                drain(forgetful, store)

    assert drain(spill, store) == Drained(batches=2, events=1, duplicates=4)
    assert stored_users(connection) == ["0", "1", "2", "u"]
    assert count(connection, "rejected_events") == 1
    assert_counts_agree(connection)


def test_a_refused_event_of_the_spill_goes_to_the_rejected_ones(
    spill: Spill, store: Store, connection: psycopg.Connection
) -> None:
    refused = make_event(properties=NUL_PROPERTIES, user_id="x")
    spill.append(Batch([*make_events(2), refused, make_event(user_id="2")], [make_rejected()]))
    spill.append(Batch([make_event(user_id="3")]))

    assert drain(spill, store) == Drained(batches=2, events=4, refused=1)
    assert stored_users(connection) == ["0", "1", "2", "3"]
    statement = "select project_id, source, reason, errors, raw from rejected_events where source = 'spill'"
    [(project_id, source, reason, errors, raw)] = connection.execute(statement).fetchall()
    assert (project_id, source, reason) == (1, "spill", "storage")
    assert errors["event"][0]
    assert msgspec.json.decode(raw, type=Event) == refused
    assert count(connection, "rejected_events") == 2


class Mortal(Store):
    """A store whose process is killed at its write number dies_at: before it, or before its answer."""

    dies_at = 0
    committed = False
    writes = 0

    def write(self, batch: Batch) -> Stored:
        self.writes += 1
        if self.writes != self.dies_at:
            return super().write(batch)
        if self.committed:
            super().write(batch)
        raise StorageError("killed", permanent=False)


@pytest.mark.parametrize("committed", [False, True], ids=["before the commit", "after the commit"])
def test_a_drain_killed_while_it_isolates_refused_events_stores_once(
    spill: Spill, postgres_url: str, connection: psycopg.Connection, committed: bool
) -> None:
    """For every write that the drain makes: killed there, then started again."""
    dies_at = 0
    survived = False
    while not survived:
        dies_at += 1
        events = make_events(6, project_id=dies_at)
        events.insert(1, make_event(project_id=dies_at, properties=NUL_PROPERTIES))
        events.append(make_event(project_id=dies_at, page_url="\0"))
        spill.append(Batch(events, [make_rejected(project_id=dies_at)]))
        with closing(Mortal.connect(postgres_url)) as store:
            store.dies_at, store.committed = dies_at, committed
            with suppress(StorageError):
                drain(spill, store)
            survived = store.writes < dies_at
            drain(spill, store)

        assert stored_users(connection, dies_at) == ["0", "1", "2", "3", "4", "5"], dies_at
        statement = "select source, count(*) from rejected_events where project_id = %s group by 1 order by 1"
        rejected = connection.execute(statement, [dies_at]).fetchall()
        assert rejected == [("batch", 1), ("spill", 2)], dies_at
    assert dies_at > 10
    assert_counts_agree(connection)


def test_the_writer_may_die_while_it_isolates_and_the_drain_goes_on(
    spill: Spill, postgres_url: str, connection: psycopg.Connection
) -> None:
    """The whole batch is spilled although some of its parts were committed."""

    def connect() -> Store:
        store = Mortal.connect(postgres_url)
        store.dies_at, store.committed = 4, True
        return store

    writer = Writer(connect, spill)
    submission = Submission([make_event(properties=NUL_PROPERTIES), *make_events(6)], [], 0)
    writer.submit(submission)
    assert submission.wait(20)
    writer.close()
    assert submission.outcome is Outcome.SPILLED
    assert count(connection, "events") > 0

    with closing(Store.connect(postgres_url)) as store:
        assert drain(spill, store).refused == 1
    assert stored_users(connection) == ["0", "1", "2", "3", "4", "5"]
    assert count(connection, "rejected_events") == 1
    assert_counts_agree(connection)


def test_a_drain_ends_with_the_database_and_loses_nothing(spill: Spill, store: Store) -> None:
    spill.append(Batch(make_events(1)))
    store.close()
    with pytest.raises(StorageError) as refusal:
        drain(spill, store)
    assert not refusal.value.permanent
    assert spill.backlog() == 1


def test_the_worker_drains_unless_another_one_does(
    spill: Spill, workers_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    settings = Settings(database_url=workers_url, redis_url=redis_url)
    spill.append(Batch(make_events(2)))
    with psycopg.connect(workers_url, autocommit=True) as drainer:
        assert try_lock(drainer, "beatline drain")
        drain_spill(settings, NOON)
        assert (spill.backlog(), count(connection, "events")) == (1, 0)

    drain_spill(settings, NOON)
    assert (spill.backlog(), count(connection, "events")) == (0, 2)


@pytest.mark.parametrize("away", ["database_url", "redis_url"])
def test_the_worker_leaves_the_spill_alone_while_a_side_is_away(
    spill: Spill, workers_url: str, redis_url: str, away: str
) -> None:
    urls = {"database_url": workers_url, "redis_url": redis_url}
    urls[away] = {"database_url": "postgresql://u@127.0.0.1:1/x", "redis_url": NO_VALKEY}[away]
    spill.append(Batch(make_events(1)))

    drain_spill(Settings(**urls), NOON + timedelta(days=1))

    assert spill.backlog() == 1
    assert spill.client.xlen(STREAM) == 1
