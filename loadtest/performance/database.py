"""PostgreSQL's own statistics, as differences between two moments."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from loadtest.audit import SQL

TOP = 8
LOOK_SECONDS = 0.05
OWN = ("pg_stat_", "pg_database", "remembered")  # in statements of the measuring itself

Snapshot = dict[str, Any]


def snapshot(database_url: str) -> Snapshot:
    """All counters at this moment."""
    with psycopg.connect(database_url, row_factory=dict_row, autocommit=True) as connection:
        statements = connection.execute((SQL / "statements.sql").read_text()).fetchall()
        server = connection.execute((SQL / "server.sql").read_text()).fetchone()
    return {"statements": {row["id"]: row for row in statements}, "server": server}


def difference(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """What was done in between: `server`, and in `statements` the TOP ones by their time."""
    server = {name: float(after["server"][name] - before["server"][name]) for name in after["server"]}
    spent = [
        statement_difference(before["statements"].get(key, {}), row)
        for key, row in after["statements"].items()
        if not any(word in row["query"] for word in OWN)
    ]
    top = sorted(spent, key=lambda row: -row["ms"])[:TOP]
    return {"server": server, "statements": [row for row in top if row["calls"]]}


def statement_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What one statement has cost in between."""
    numbers = {
        name: float(after[name]) - float(before.get(name, 0)) for name in ("calls", "ms", "rows", "wal_bytes")
    }
    return {"query": " ".join(str(after["query"]).split()), **numbers}


@contextmanager
def observed(database_url: str) -> Iterator[dict[str, Any]]:
    """Watch the server until the end of the block; the dictionary is filled then: `server`, `statements` and,
    in `waits`, what storing connections waited for, as shares of all looks."""
    found: dict[str, Any] = {}
    stop, waits = threading.Event(), Counter[str]()
    watcher = threading.Thread(target=watch, args=(database_url, stop, waits), daemon=True)
    before = snapshot(database_url)
    watcher.start()
    try:
        yield found
    finally:
        stop.set()
        watcher.join()
        found |= difference(before, snapshot(database_url))
        total = sum(waits.values())
        found["waits"] = {name: number / total for name, number in waits.most_common(TOP)}


def watch(database_url: str, stop: threading.Event, waits: Counter[str]) -> None:
    """Look again and again at what connections wait for."""
    statement = (SQL / "waits.sql").read_text()
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not stop.wait(LOOK_SECONDS):
            for name, connections in connection.execute(statement):
                waits[name] += connections
