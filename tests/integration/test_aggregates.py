"""Every aggregate on both engines: right at once, after a refresh, and after rows that come late."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection, Rollback

from beatline.storage.engine import TIMESCALEDB
from tests.fixtures.rows import AGGREGATES, DAY, Aggregate, Row, event, insert_events

NOW = datetime(2025, 5, 14, 12, 34, 56, 789_000, tzinfo=UTC)
REFRESHED_UNTIL = datetime(2025, 5, 14, tzinfo=UTC)  # the start of a day, so all levels agree on it
EDGES = [
    datetime(2001, 1, 1, tzinfo=UTC),
    datetime(2001, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2025, 5, 13, 23, 0, tzinfo=UTC),
    datetime(2025, 5, 13, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2025, 5, 14, tzinfo=UTC),
    NOW,
]
LONG = {"page_url": "/" + "ö" * 1023, "user_id": "ü" * 200, "event_type": "e" * 128}
EACH_AGGREGATE = pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda each: each.name)


def some_events(seed: int, count: int) -> list[Row]:
    """Events of two projects over three days: with and without user, visitor and page, many types."""
    chance = random.Random(seed)
    return [
        event(
            NOW - timedelta(seconds=chance.uniform(0, 3 * DAY.total_seconds())),
            project_id=chance.choice([1, 1, 2]),
            event_type=chance.choice(["view", "page_view", "click", "order placed"]),
            user_id=chance.choice([None, "usr_1", "usr_2", ""]),
            anonymous_id=chance.choice([None, "anon_1", "usr_1"]),
            page_url=chance.choice([None, "/", "/products/1", "/Products/1", ""]),
        )
        for _ in range(count)
    ]


def refresh(connection: Connection, engine: str) -> None:
    """Materialise all aggregates up to a time; those of the postgres engine always are."""
    if engine == TIMESCALEDB:
        for each in AGGREGATES:
            call = "call refresh_continuous_aggregate(%s::regclass, null, %s::timestamptz)"
            connection.execute(call, [each.name, REFRESHED_UNTIL])


@EACH_AGGREGATE
def test_an_aggregate_equals_a_count_by_hand(database: Connection, engine: str, aggregate: Aggregate) -> None:
    # Given events of many times, when they are inserted, then the aggregate counts them at once
    long = [event(NOW - DAY, **LONG), event(NOW - DAY, page_url=LONG["page_url"])]
    rows = [*some_events(1, 300), *map(event, EDGES), *long]
    insert_events(database, rows)
    assert aggregate.read(database) == aggregate.count(rows)

    # When it is refreshed, then nothing changes
    refresh(database, engine)
    assert aggregate.read(database) == aggregate.count(rows)

    # When more events come, then those after the refreshed range count at once
    late = [*some_events(2, 100), *map(event, EDGES), event(NOW - 400 * DAY)]
    insert_events(database, late)
    recent = aggregate.count(row for row in rows + late if row["ts"] >= REFRESHED_UNTIL)
    read = aggregate.read(database)
    assert {key: count for key, count in read.items() if key[1] >= REFRESHED_UNTIL} == recent

    # And all of them after the next refresh
    refresh(database, engine)
    assert aggregate.read(database) == aggregate.count(rows + late)


def test_aggregates_of_no_events_are_empty(database: Connection, engine: str) -> None:
    refresh(database, engine)

    assert not any(each.read(database) for each in AGGREGATES)


def test_rolled_back_events_count_nowhere(database: Connection, engine: str) -> None:
    insert_events(database, [event(NOW)])
    with database.transaction():
        insert_events(database, [event(NOW), event(NOW - DAY)])
        raise Rollback
    refresh(database, engine)

    for each in AGGREGATES:
        assert each.read(database) == each.count([event(NOW)])
