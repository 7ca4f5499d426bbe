"""The service: POST /track is one INSERT in its own transaction, answered after the commit.

It is written with care, so that the comparison is fair: a pool with a connection for each thread that could
use one, prepared statements (psycopg makes them after some repetitions), no ORM, the collector's own web
server. plain.py is how such a service usually begins.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue
from psycopg import Connection
from psycopg_pool import ConnectionPool

from loadtest.baseline.service import INSERT, row_of

POOL = 20  # connections a process

app = Flask(__name__)
pool: ConnectionPool[Connection[Any]] = ConnectionPool(
    os.environ["BEATLINE_DATABASE_URL"], min_size=POOL, max_size=POOL, open=True, kwargs={"autocommit": True}
)


@app.get("/health")
def health() -> ResponseReturnValue:
    """Whether it can store."""
    with pool.connection() as connection:
        connection.execute("select from baseline_events limit 1")
    return {"status": "ok"}


@app.post("/track")
def track() -> ResponseReturnValue:
    """Store an event."""
    row = row_of(request.get_json())
    if row is None:
        return {"error": "event_type and properties are wanted"}, 400
    with pool.connection() as connection:
        stored = connection.execute(INSERT, row).fetchone()
    assert stored
    return {"event_id": str(stored[0])}, 202
