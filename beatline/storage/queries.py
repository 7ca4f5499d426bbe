"""SQL by name. Every statement lives in sql/queries/<name>.sql, with its purpose in the first line."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from psycopg import Connection

SQL = Path(__file__).resolve().parents[2] / "sql"


@cache
def query(name: str) -> str:
    """The text of sql/queries/<name>.sql; parameters are written %(name)s."""
    return (SQL / "queries" / f"{name}.sql").read_text()


def read_count(connection: Connection, name: str, parameters: dict[str, Any]) -> int:
    """The one number that a query answers."""
    row = connection.execute(query(name), parameters).fetchone()
    return int(row[0]) if row else 0
