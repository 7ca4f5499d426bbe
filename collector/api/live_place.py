"""Where the live preview is: it has a port of its own, since its readers stay (docs/live.md)."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request
from marshmallow import Schema, fields

from beatline.settings import Settings
from collector.api.access import public
from collector.api.schemas import Area
from collector.services import services

blueprint = Area("live", __name__, url_prefix="/api/v1/live", description="Live preview")


class LivePlaceSchema(Schema):
    """The start of the live preview's address; /api/v1/live and /api/v1/live/events come behind it."""

    url = fields.Url(required=True, metadata={"example": "http://localhost:8001"})


@blueprint.get("", strict_slashes=False)
@public
@blueprint.response(200, LivePlaceSchema)
def get_live_place() -> dict[str, str]:
    """Where is the live preview?"""
    return {"url": live_url(services().settings, request.host_url)}


def live_url(settings: Settings, host_url: str) -> str:
    """The live preview's address for a client that reached the collector at host_url."""
    if settings.live_url:
        return settings.live_url.rstrip("/")
    parts = urlsplit(host_url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{settings.live_port}"
