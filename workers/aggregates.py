"""The hours and days that are over: materialised, and found to say the same as what they are made of.

On PostgreSQL triggers keep all aggregates exact, so nothing is left to compute. On TimescaleDB the policies
of sql/migrations/0003_policies refresh a few seconds after events come, and these jobs make sure of it once
for each bucket, also where the policies do not run.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import structlog
from psycopg import Connection, errors

from beatline.errors import BeatlineError
from beatline.settings import Settings
from beatline.storage.engine import TIMESCALEDB, read_engine
from beatline.storage.queries import query
from beatline.storage.store import connected

log = structlog.get_logger()

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# In order: each is made of one before it.
BY_HOUR = ("events_by_minute", "pages_by_minute", "events_by_hour", "pages_by_hour", "users_by_hour")
BY_DAY = ("events_by_day", "pages_by_day", "users_by_day")
# aggregate_gaps (sql/migrations/0008_dashboards) compares buckets of so long ago.
GAP_OF_HOUR, GAP_OF_DAY = timedelta(minutes=75), timedelta(hours=26)


class AggregateError(BeatlineError):
    """An aggregate differs from what it is made of."""


def complete_hour(settings: Settings, now: datetime) -> None:
    """Complete the last hour that is over. Raises AggregateError, StorageError."""
    hour = now.replace(minute=0, second=0, microsecond=0) - HOUR
    with as_owner(settings) as connection:
        refresh(connection, BY_HOUR, hour, hour + HOUR)
        compare(connection, "events_by_hour", hour, hour + GAP_OF_HOUR)


def complete_day(settings: Settings, now: datetime) -> None:
    """Complete the last UTC day that is over. Raises AggregateError, StorageError."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) - DAY
    with as_owner(settings) as connection:
        refresh(connection, BY_DAY, day, day + DAY)
        compare(connection, "events_by_day", day, day + GAP_OF_DAY)


def as_owner(settings: Settings) -> AbstractContextManager[Connection]:
    """A connection of the aggregates' owner, as far as it is known: nobody else may refresh them."""
    return connected(settings.owner_database_url or settings.database_url)


def refresh(connection: Connection, aggregates: tuple[str, ...], start: datetime, end: datetime) -> None:
    """Materialise a time of some aggregates (timescaledb engine)."""
    if read_engine(connection) != TIMESCALEDB:
        return
    connection.execute("set statement_timeout = 0")
    for aggregate in aggregates:
        parameters = {"aggregate": aggregate, "start": start, "end": end}
        try:
            connection.execute(query("refresh_aggregate"), parameters)
        except errors.InsufficientPrivilege:
            log.warning("aggregate not refreshed: it is another role's", aggregate=aggregate)


def compare(connection: Connection, aggregate: str, bucket: datetime, at: datetime) -> None:
    """Raise AggregateError when a bucket does not say the same as what it is made of."""
    row = connection.execute(query("aggregate_gap"), {"aggregate": aggregate, "at": at}).fetchone()
    if row and row[0]:
        raise AggregateError(f"{aggregate} of {bucket:%Y-%m-%d %H:%M} differs by {row[0]} events")
