"""The built-in event types of POST /events: what their payloads must hold (REQUIREMENTS I1).

Payloads may hold more than is named here; it is kept.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

ShortText = Annotated[str, Meta(max_length=1_000)]


class ViewPayload(msgspec.Struct):
    """A page was seen."""

    url: Annotated[str, Meta(min_length=1, max_length=2_048)]
    title: ShortText | None = None


class ClickPayload(msgspec.Struct):
    """Something was clicked."""

    element_id: ShortText | None = None
    text: ShortText | None = None
    xpath: ShortText | None = None


class LocationPayload(msgspec.Struct):
    """Somebody was somewhere: degrees (WGS 84) and metres."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    accuracy: Annotated[float, Meta(ge=0)] | None = None


PAYLOADS: dict[str, type[msgspec.Struct]] = {
    "view": ViewPayload,
    "click": ClickPayload,
    "location": LocationPayload,
}


def check_payload(event_type: str, payload: dict[str, Any]) -> None:
    """Raise msgspec.ValidationError unless the payload fits its built-in type."""
    msgspec.convert(payload, PAYLOADS[event_type])
