"""The jobs that keep the storage in order, called as the workers call them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import redis

from beatline.settings import Settings
from beatline.storage.spill import STREAM, UNREADABLE, Spill
from beatline.storage.store import Batch, Store, write_isolating
from tests.fixtures.storage import count, make_event, make_events, make_rejected
from workers import maintenance

NOW = datetime.now(UTC)


@pytest.fixture
def settings(workers_url: str, redis_url: str) -> Settings:
    """Services, and bounds small enough to reach."""
    return Settings(database_url=workers_url, redis_url=redis_url, retention_days=30, rejected_events_kept=3)


@pytest.fixture
def store(workers_url: str) -> Store:
    """A store on the same database."""
    return Store.connect(workers_url)


def spill_of(settings: Settings) -> Spill:
    """The spill of the settings."""
    return Spill(str(settings.redis_url), 100)


def test_what_waits_is_drained(settings: Settings, connection: psycopg.Connection) -> None:
    spill = spill_of(settings)
    spill.append(Batch(make_events(3)))
    spill.append(Batch(make_events(2)))

    maintenance.drain_spill(settings, NOW)

    assert (count(connection, "events"), spill.backlog()) == (5, 0)


def test_an_unreadable_batch_is_set_aside_and_holds_nobody_up(
    settings: Settings, connection: psycopg.Connection
) -> None:
    client = redis.Redis.from_url(str(settings.redis_url))
    client.xadd(STREAM, {"batch": b"no batch"})
    client.xadd(STREAM, {"nothing": b""})
    spill = spill_of(settings)
    spill.append(Batch(make_events(1)))

    maintenance.drain_spill(settings, NOW)

    assert (count(connection, "events"), spill.backlog(), client.xlen(UNREADABLE)) == (1, 0, 2)


def test_draining_waits_for_a_database_that_is_away(redis_url: str) -> None:
    settings = Settings(database_url="postgresql://127.0.0.1:1/none", redis_url=redis_url)
    spill_of(settings).append(Batch(make_events(1)))

    maintenance.drain_spill(settings, NOW)

    assert spill_of(settings).backlog() == 1


def test_only_one_drains_at_a_time(settings: Settings, connection: psycopg.Connection) -> None:
    spill_of(settings).append(Batch(make_events(1)))
    assert maintenance.try_lock(connection, "beatline drain")

    maintenance.drain_spill(settings, NOW)

    assert spill_of(settings).backlog() == 1


def test_the_ledger_is_not_rotated_while_batches_wait(
    settings: Settings, connection: psycopg.Connection
) -> None:
    spill_of(settings).append(Batch(make_events(1)))
    maintenance.rotate_ledger(settings, NOW + timedelta(days=3))
    assert connection.execute("select current from event_ledger_state").fetchone() == (0,)


def test_partitions_are_made_ahead(settings: Settings, connection: psycopg.Connection) -> None:
    maintenance.make_partitions(settings, NOW)
    maintenance.make_partitions(settings, NOW)
    last = connection.execute("select max(upper) from event_partitions").fetchone()
    assert last
    assert last[0] > NOW + timedelta(days=7)


def test_expired_events_go_and_their_counts_stay(
    settings: Settings, store: Store, connection: psycopg.Connection
) -> None:
    days = (0, 29, 32, 400, 9_000)
    write_isolating(store, Batch([make_event(ts=NOW - timedelta(days=age)) for age in days]))
    store.close()

    maintenance.drop_expired_events(settings, NOW)

    assert count(connection, "events") == 2
    assert connection.execute("select sum(events) from events_by_day").fetchone() == (5,)


def test_nothing_expires_without_a_retention(
    workers_url: str, store: Store, connection: psycopg.Connection
) -> None:
    store.write(Batch([make_event(ts=datetime(1980, 1, 1, tzinfo=UTC))]))
    store.close()
    maintenance.drop_expired_events(Settings(database_url=workers_url), NOW)
    assert count(connection, "events") == 1


def test_only_the_newest_rejected_events_of_a_project_are_kept(
    settings: Settings, store: Store, connection: psycopg.Connection
) -> None:
    store.write(Batch([], [make_rejected(raw=str(number)) for number in range(10)]))
    store.write(Batch([], [make_rejected(project_id=2, raw="other")]))
    store.close()
    connection.execute("insert into projects (name) values ('other')")

    maintenance.trim_rejected_events(settings, NOW)

    kept = connection.execute("select raw from rejected_events order by rejected_id").fetchall()
    assert kept == [("7",), ("8",), ("9",), ("other",)]
