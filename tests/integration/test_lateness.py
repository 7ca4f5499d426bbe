"""On TimescaleDB, late events get transactions of their own, whatever else that may not change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from beatline.events import Event, uuid7
from beatline.storage.store import MOST_PARTS, Batch, Store, split_by_lateness, write_isolating

NOW = datetime(2026, 5, 20, 12, 30, tzinfo=UTC)


def event(age: timedelta, client_id: bool = False) -> Event:
    """An event that arrives at NOW and is so old."""
    return Event(1, uuid7(), NOW - age, NOW, "x", "u", client_id=client_id)


def test_late_events_are_split_off_by_their_hour() -> None:
    minutes, hours = timedelta(minutes=1), timedelta(hours=1)
    ages = [minutes, 3 * hours, timedelta(0), 3 * hours + minutes, 29 * 24 * hours, hours]
    batch = Batch([event(age) for age in ages])
    parts = split_by_lateness(batch)

    assert [[batch.events.index(e) for e in part.events] for part in parts] == [[0, 2, 5], [1, 3], [4]]
    assert [part.batch_id for part in parts] == [part.batch_id for part in split_by_lateness(batch)]
    assert len({part.batch_id for part in parts}) == 3


def test_a_batch_of_one_kind_stays_whole() -> None:
    for ages in (
        [timedelta(0)],
        [timedelta(days=3)],
        [timedelta(hours=2 * n) for n in range(MOST_PARTS + 1)],
    ):
        batch = Batch([event(age) for age in ages])
        assert split_by_lateness(batch) == [batch]


def test_a_mixed_batch_is_stored_once_on_either_engine(database_url: str) -> None:
    store = Store.connect(database_url)
    ages = [timedelta(0), timedelta(days=2), timedelta(days=2), timedelta(days=40)]
    batch = Batch([event(age, client_id=number % 2 == 0) for number, age in enumerate(ages)])
    first, second = write_isolating(store, batch), write_isolating(store, batch)
    store.close()

    assert (first.events, second.events) == (4, 0)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from events").fetchone() == (4,)
