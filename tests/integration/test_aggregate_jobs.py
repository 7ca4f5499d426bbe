"""Hours and days that are over are complete, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from beatline.settings import Settings
from tests.fixtures.rows import AGGREGATES, DAY, HOUR, MINUTE, event, insert_events
from workers.aggregates import AggregateError, complete_day, complete_hour

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def materialised(connection: psycopg.Connection) -> dict[str, bool]:
    """Whether each aggregate has something without a look at its source."""
    found = {}
    for aggregate in AGGREGATES:
        option = "timescaledb.materialized_only = {}"
        connection.execute(f"alter materialized view {aggregate.name} set ({option.format('true')})")
        row = connection.execute(f"select count(*) > 0 from {aggregate.name}").fetchone()
        found[aggregate.name] = bool(row and row[0])
        connection.execute(f"alter materialized view {aggregate.name} set ({option.format('false')})")
    return found


def test_timescaledb_the_last_hour_and_the_last_day_are_materialised(
    timescale: psycopg.Connection, timescale_url: str
) -> None:
    settings = Settings(database_url=timescale_url)
    insert_events(timescale, [event(TODAY - HOUR + number * MINUTE, user_id="u") for number in range(60)])
    timescale.close()  # the next connection is the only one

    complete_hour(settings, TODAY + 5 * MINUTE)
    with psycopg.connect(timescale_url, autocommit=True) as connection:
        by_hour = {aggregate.name: aggregate.width < DAY for aggregate in AGGREGATES}
        assert materialised(connection) == by_hour

    complete_day(settings, TODAY + HOUR)
    with psycopg.connect(timescale_url, autocommit=True) as connection:
        assert materialised(connection) == dict.fromkeys(by_hour, True)


@pytest.mark.parametrize(
    ("complete", "due_at", "aggregate", "said"),
    [
        (complete_hour, TODAY - DAY + 12 * HOUR + 5 * MINUTE, "events_by_hour", r"11:00 differs by 3 events"),
        (complete_day, TODAY + HOUR, "events_by_day", r"00:00 differs by 3 events"),
    ],
)
def test_given_an_aggregate_that_lost_events_then_the_job_fails_and_says_how_many(
    workers_url: str,
    connection: psycopg.Connection,
    complete: object,
    due_at: datetime,
    aggregate: str,
    said: str,
) -> None:
    settings = Settings(database_url=workers_url)
    at = TODAY - DAY + 11 * HOUR + 30 * MINUTE
    insert_events(connection, [event(at + timedelta(seconds=number)) for number in range(10)])
    complete(settings, due_at)  # type: ignore[operator]

    connection.execute(f"update {aggregate} set events = events - 3")

    with pytest.raises(AggregateError, match=said):
        complete(settings, due_at)  # type: ignore[operator]
