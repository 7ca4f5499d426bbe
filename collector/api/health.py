"""Health: is the process alive, can it take events, and how are the parts?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from beatline import __version__
from beatline.errors import SpillError, StorageError
from beatline.storage.engine import read_engine
from collector.api.access import public
from collector.api.schemas import Area
from collector.services import reading, services

blueprint = Area("health", __name__, url_prefix="/health", description="Health")


class LiveSchema(Schema):
    """The process answers."""

    status = fields.String(required=True, metadata={"example": "ok"})


class HealthSchema(Schema):
    """ok: all is well. degraded: events are taken, but a part is away. down: events are refused."""

    status = fields.String(required=True, metadata={"enum": ["ok", "degraded", "down"]})
    version = fields.String(required=True)
    checks = fields.Dict(required=True)


@blueprint.get("/live")
@public
@blueprint.response(200, LiveSchema)
def get_live() -> dict[str, str]:
    """Is the process alive?"""
    return {"status": "ok"}


@blueprint.get("/ready")
@public
@blueprint.response(200, HealthSchema)
@blueprint.alt_response(503, schema=HealthSchema)
def get_ready() -> ResponseReturnValue:
    """Can it take events? 503 when neither the database nor the spill is there"""
    health = read_health()
    response = jsonify(health)
    response.status_code = 503 if health["status"] == "down" else 200
    return response


@blueprint.get("", strict_slashes=False)
@public
@blueprint.response(200, HealthSchema)
def get_health() -> dict[str, Any]:
    """How are the parts?"""
    return read_health()


def read_health() -> dict[str, Any]:
    """The state of every part, and what it means for the whole."""
    checks = {
        "database": checked(check_database),
        "spill": checked(check_spill),
        "writer": check_writer(),
    }
    database, spill = (checks[name]["status"] == "ok" for name in ("database", "spill"))
    status = "ok" if database and spill else "degraded" if database or spill else "down"
    return {"status": status, "version": __version__, "checks": checks}


def checked(check: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of a check, or that the part is away. Why is in the log, not for everybody to read."""
    try:
        return {"status": "ok", **check()}
    except (StorageError, SpillError):
        return {"status": "away"}


def check_database() -> dict[str, Any]:
    """The database answers; with its engine."""
    with reading() as connection:
        engine = read_engine(connection)
    if engine is None:
        raise StorageError("not migrated", permanent=False)
    return {"engine": engine}


def check_spill() -> dict[str, Any]:
    """Valkey answers; with the number of batches that wait for the database."""
    spill = services().spill
    if spill is None:
        raise SpillError("BEATLINE_REDIS_URL is not set")
    return {"backlog": spill.backlog()}


def check_writer() -> dict[str, Any]:
    """What waits in this process's writer."""
    writer = services().writer
    return {
        "status": "ok",
        "queued_events": writer.queued_events,
        "queued_bytes": writer.queued_bytes,
    }
