"""Mappings: which JMESPath of a webhook's delivery gives which field of the event.

A delivery is {"body": …, "headers": {lower-case name: value}}. A mapping is {field: expression}; properties
may also be {name: expression}. What a mapping does not name stays as its kind has it; null takes it away.
docs/webhooks.md has examples.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID, uuid5

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from beatline.errors import NotPossible
from beatline.events import CLIENT_ID_NAMESPACE, Reason
from beatline.ingest.pipeline import Unfit
from beatline.ingest.wire import TrackedEvent, TrackedEventSchema, explain

RAW, SOURCE = "$raw", "$source"
FIELDS = set(TrackedEvent.__struct_fields__) - {"sent_at"}
MILLISECONDS_FROM = 1e11  # as seconds that would be the year 5138

Expressions = dict[str, Any]
Delivery = dict[str, Any]

STRIPE_CUSTOMER = (
    "body.data.object.customer.id || body.data.object.customer"
    " || (body.data.object.object == 'customer' && body.data.object.id) || null"
)
STRIPE_AMOUNT = "body.data.object.amount_total || body.data.object.amount_paid || body.data.object.amount"
KINDS: dict[str, Expressions] = {
    "generic": {
        "event_type": "body.event_type || body.type || body.event",
        "event_id": "body.event_id || body.id",
        "user_id": "body.user_id",
        "distinct_id": "body.distinct_id",
        "anonymous_id": "body.anonymous_id",
        "session_id": "body.session_id",
        "timestamp": "body.timestamp",
        "page_url": "body.page_url",
        "properties": "body.properties",
    },
    "github": {
        "event_type": 'headers."x-github-event"',
        "event_id": 'headers."x-github-delivery"',
        "user_id": "body.sender.login",
        "properties": {
            "action": "body.action",
            "repository": "body.repository.full_name",
            "ref": "body.ref",
            "link": "body.pull_request.html_url || body.issue.html_url || body.compare",
        },
    },
    "stripe": {
        "event_type": "body.type",
        "event_id": "body.id",
        "user_id": STRIPE_CUSTOMER,
        "timestamp": "body.created",
        "properties": {
            "object": "body.data.object.object",
            "object_id": "body.data.object.id",
            "amount": STRIPE_AMOUNT,
            "currency": "body.data.object.currency",
            "status": "body.data.object.status",
            "livemode": "body.livemode",
        },
    },
}


class Mapping:
    """A kind's expressions with the changes of one source, compiled. Raises NotPossible for what is none."""

    def __init__(self, kind: str, changes: Expressions) -> None:
        merged = {**KINDS[kind], **changes}
        if unknown := merged.keys() - FIELDS:
            raise NotPossible(f"an event has no field {min(unknown)!r}")
        self.expressions = {
            name: compiled(name, given) for name, given in merged.items() if given is not None
        }
        if "event_type" not in self.expressions:
            raise NotPossible("a mapping has to give an event_type")

    def fields(self, delivery: Delivery) -> dict[str, Any]:
        """The fields of the event of a delivery, absent ones left out. Raises Unfit."""
        fields: dict[str, Any] = {}
        for name, expression in self.expressions.items():
            value = found(name, expression, delivery)
            if value is None:
                continue
            fields[name] = value if name == "properties" else as_text(name, value)
        return fields


def compiled(name: str, given: Any) -> Any:
    """A compiled expression, or one for each property. Raises NotPossible."""
    if isinstance(given, dict) and name == "properties":
        return {
            key: compiled(f"properties.{key}", inner) for key, inner in given.items() if inner is not None
        }
    if not isinstance(given, str):
        raise NotPossible(f"the mapping of {name} is no JMESPath expression: {given!r}")
    try:
        return jmespath.compile(given)
    except JMESPathError as error:
        raise NotPossible(f"the mapping of {name} is no JMESPath expression: {error}") from None


def found(name: str, expression: Any, delivery: Delivery) -> Any:
    """What an expression finds. Raises Unfit when it does not apply to what was sent."""
    if isinstance(expression, dict):
        values = {key: found(f"{name}.{key}", inner, delivery) for key, inner in expression.items()}
        return {key: value for key, value in values.items() if value is not None}
    try:
        return expression.search(delivery)
    except Exception as error:  # somebody's expression on somebody else's body may fail in any way
        raise Unfit(Reason.INVALID, {name: [f"The mapping cannot be applied: {error}"]}) from None


def as_text(name: str, value: Any) -> Any:
    """A number as a text, as a time where it is one of seconds or milliseconds since 1970. The rest stays."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if name != "timestamp":
        return str(value)
    seconds = value / 1000 if abs(value) >= MILLISECONDS_FROM else value
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return str(value)


@lru_cache(1_000)
def mapping_of(kind: str, changes: str | None) -> Mapping:
    """The mapping of a kind with changes as JSON text."""
    return Mapping(kind, msgspec.json.decode(changes) if changes else {})


def map_delivery(mapping: Mapping, source: str, delivery: Delivery, fallback_id: str) -> TrackedEvent:
    """The event of a delivery. fallback_id is what tells it from others when it names no id. Raises Unfit."""
    fields = mapping.fields(delivery)
    fields["event_id"] = event_id(source, fields.get("event_id") or fallback_id)
    if isinstance(fields.setdefault("properties", {}), dict):
        fields["properties"] = {**fields["properties"], SOURCE: source, RAW: delivery["body"]}
    try:
        return msgspec.convert(fields, TrackedEvent)
    except msgspec.ValidationError as error:
        errors = explain(TrackedEventSchema, fields) or {"event": [str(error)]}
        raise Unfit(Reason.INVALID, errors) from None


def event_id(source: str, given: Any) -> Any:
    """An id that counts within its source, unless it is a UUID."""
    if not isinstance(given, str):
        return given
    try:
        return str(UUID(given)) if len(given) == 36 else str(uuid5(CLIENT_ID_NAMESPACE, f"{source}:{given}"))
    except ValueError:
        return str(uuid5(CLIENT_ID_NAMESPACE, f"{source}:{given}"))


def read_mapping(text: bytes) -> Expressions:
    """A mapping from its JSON. Raises NotPossible."""
    try:
        changes = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotPossible(f"the mapping is no JSON: {error}") from None
    if not isinstance(changes, dict):
        raise NotPossible("a mapping is a JSON object of fields and expressions")
    return cast(Expressions, changes)
