"""The yardstick for single events: a bare Flask application that does nothing."""

from __future__ import annotations

from flask import Flask, request
from flask.typing import ResponseReturnValue

app = Flask(__name__)


@app.post("/noop")
def noop() -> ResponseReturnValue:
    """An answer of the size that /track gives."""
    request.get_data()
    return {"event_id": "00000000-0000-7000-8000-000000000000"}, 202
