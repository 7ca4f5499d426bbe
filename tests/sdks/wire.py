"""What SDKs say on the wire, decoded without any of the collector's code."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from urllib.parse import parse_qs

from tests.sdks.proxy import Exchange

Item = dict[str, Any]
NO_EVENTS = ("/flags", "/decide", "/v1/m")


def carries_events(method: str, path: str) -> bool:
    """Whether a request is one that brings events."""
    return method == "POST" and not path.startswith(NO_EVENTS)


def items(exchange: Exchange) -> list[Item]:
    """The events of a request, each as the SDK wrote it; none for requests of another kind."""
    if not carries_events(exchange.method, exchange.path):
        return []
    content = decode(exchange.body)
    events = content.get("batch", [content]) if isinstance(content, dict) else content
    return [event | {"type": event.get("type") or exchange.path.split("/")[2]} for event in events]


def decode(body: bytes) -> Any:
    """JSON: plain, gzipped, or in base64 as `data` of a form."""
    if body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    if body.startswith(b"data="):
        body = base64.b64decode(parse_qs(body.decode())["data"][0])
    return json.loads(body)


def name_of(item: Item) -> str:
    """What the SDK calls the event: `track`'s event, else the type of a Segment call; PostHog's event;
    Plausible's n."""
    name = item.get("event") or item.get("n") or item.get("type")
    return str(name)


def identity(item: Item) -> str:
    """What makes it the same event when it is sent again: its id, else all that it says."""
    return id_of(item) or json.dumps(item, sort_keys=True)


def id_of(item: Item) -> str | None:
    """The id that the SDK gave the event."""
    return item.get("messageId") or item.get("uuid")
