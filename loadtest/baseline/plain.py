"""The same service as it is usually begun: a connection for each request, as in Flask's own tutorial
(flask.palletsprojects.com, "Define and Access the Database": opened with the request, closed after it)."""

from __future__ import annotations

import os

import psycopg
from flask import Flask, request
from flask.typing import ResponseReturnValue

from loadtest.baseline.service import INSERT, row_of

app = Flask(__name__)


def connect() -> psycopg.Connection:
    """A connection for one request."""
    return psycopg.connect(os.environ["BEATLINE_DATABASE_URL"])


@app.get("/health")
def health() -> ResponseReturnValue:
    """Whether it can store."""
    with connect() as connection:
        connection.execute("select from baseline_events limit 1")
    return {"status": "ok"}


@app.post("/track")
def track() -> ResponseReturnValue:
    """Store an event."""
    row = row_of(request.get_json())
    if row is None:
        return {"error": "event_type and properties are wanted"}, 400
    with connect() as connection:
        stored = connection.execute(INSERT, row).fetchone()
    assert stored
    return {"event_id": str(stored[0])}, 202
