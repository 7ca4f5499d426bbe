"""Retention of raw events. On TimescaleDB it is a policy; on PostgreSQL the workers drop partitions."""

from __future__ import annotations

from psycopg import Connection

from beatline.storage.queries import query


def set_retention_policy(connection: Connection, days: int | None) -> None:
    """Drop raw events older than so many days from now on, or never (timescaledb engine).

    Refreshes then no longer reach into dropped days, which would erase them from the aggregates.
    """
    with connection.transaction():
        connection.execute(query("limit_refresh_to_retention"), {"days": days})
        connection.execute(query("remove_event_retention"))
        if days is not None:
            connection.execute(query("add_event_retention"), {"days": days})
