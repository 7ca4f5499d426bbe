"""The two storage engines, and which of them a database was migrated for."""

from __future__ import annotations

from psycopg import Connection

POSTGRES, TIMESCALEDB = "postgres", "timescaledb"


def read_engine(connection: Connection) -> str | None:
    """The engine that this database was migrated for; None before the first migration."""
    row = connection.execute("select to_regclass('installation')").fetchone()
    if row is None or row[0] is None:
        return None
    recorded = connection.execute("select engine from installation").fetchone()
    return str(recorded[0]) if recorded else None
