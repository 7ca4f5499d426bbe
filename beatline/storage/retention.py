"""Retention of raw events. On TimescaleDB it is a policy. On PostgreSQL, and wherever days are archived
first, the workers drop partitions or chunks."""

from __future__ import annotations

from psycopg import Connection

from beatline.storage.queries import query


def set_retention_policy(connection: Connection, days: int | None, *, archive: bool = False) -> None:
    """Drop raw events older than so many days from now on, or never (timescaledb engine). With an archive the
    workers do it, since a policy would not look whether a day is archived.

    Refreshes then no longer reach into dropped days, which would erase them from the aggregates.
    """
    with connection.transaction():
        connection.execute(query("limit_refresh_to_retention"), {"days": days})
        connection.execute(query("remove_event_retention"))
        if days is not None and not archive:
            connection.execute(query("add_event_retention"), {"days": days})
