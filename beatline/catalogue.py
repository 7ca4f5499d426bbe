"""The catalogue: what events of each type must look like (docs/catalogue.md).

The built-in types are described by structs. POST /events always checks its payloads against them
(REQUIREMENTS I1); as JSON Schemas they are in every project's catalogue, until the project has its own.
Events may hold more than is named; it is kept.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import structlog
from msgspec import Meta

from beatline.event_schema import BadSchema, Errors, EventSchema, compile_schema, complaints
from beatline.events import Event

log = structlog.get_logger()

SCHEMA_ERRORS = "$schema_errors"  # property of a stored event that does not fit its schema
COMPILED_KEPT = 10_000

ShortText = Annotated[str, Meta(max_length=1_000)]
Url = Annotated[str, Meta(min_length=1, max_length=2_048)]


class Mode(StrEnum):
    """What becomes of events that do not fit: nobody looks, they are stored and marked, they are refused."""

    OFF = "off"
    FLAG = "flag"
    ENFORCE = "enforce"


class ViewPayload(msgspec.Struct):
    """A page was seen."""

    url: Url
    title: ShortText | None = None


class PageViewPayload(msgspec.Struct):
    """A page was seen, as SDKs tell it."""

    page_url: Url


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


def json_schema(payload: type[msgspec.Struct]) -> str:
    """The JSON Schema of a payload, as text."""
    _, schemas = msgspec.json.schema_components([payload])
    described = {"title", "description"}
    schema = {name: value for name, value in schemas[payload.__name__].items() if name not in described}
    return msgspec.json.encode(schema).decode()


BUILT_IN_TYPES = PAYLOADS | {"page_view": PageViewPayload}
BUILT_IN = {event_type: json_schema(payload) for event_type, payload in BUILT_IN_TYPES.items()}


class Catalogue(msgspec.Struct, frozen=True):
    """The catalogue of a project that looks at its events. version counts its changes; schemas are JSON text
    by event type, the built-in ones included, None for types that take anything."""

    version: int
    enforce: bool
    schemas: dict[str, str | None]


@lru_cache(COMPILED_KEPT)
def usable(schema: str) -> EventSchema | None:
    """The compiled schema, compiled once however often the catalogue is read; None for one that cannot be,
    which only somebody at the database can have put there."""
    try:
        return compile_schema(schema)
    except (BadSchema, msgspec.MsgspecError) as error:
        log.error("schema left out: it cannot be used", error=str(error), schema=schema[:200])
        return None


def errors_of(catalogue: Catalogue, event: Event, properties: dict[str, Any]) -> Errors:
    """What is wrong with an event, {"properties.<path>": [message]}; {} when it fits or has no schema."""
    text = catalogue.schemas.get(event.event_type)
    schema = usable(text) if text is not None else None
    return complaints(schema, properties, event.page_url) if schema is not None else {}


def flag(event: Event, properties: dict[str, Any], errors: Errors) -> None:
    """Note on an event what is wrong with it."""
    properties[SCHEMA_ERRORS] = [f"{path}: {message}" for path, told in errors.items() for message in told]
    event.properties = msgspec.Raw(msgspec.json.encode(properties))
