"""The collector's ingest routes behind a Flask route instead of before Flask, to see what that costs."""

from __future__ import annotations

from typing import cast

from flask import Flask, request
from werkzeug.wrappers import Response

from collector.ingest.front_door import FrontDoor
from collector.wsgi import app as collector_app

front_door = cast(FrontDoor, collector_app.wsgi_app)
app = Flask(__name__)


@app.get("/health/ready")
def ready() -> dict[str, str]:
    """Whether it answers."""
    return {"status": "ok"}


@app.post("/track")
def track() -> Response:
    """What the front door answers, through Flask's routing, request and response."""
    return Response.from_app(front_door, request.environ)
