"""The filters of the event log as parameters of a query, and how long it may search."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

import msgspec
from marshmallow import ValidationError, fields, validate, validates_schema

from beatline.analytics.event_log import (
    FIRST,
    LAST,
    MOST_PROPERTIES,
    Filter,
    Operator,
    PropertyFilter,
)  # fmt: skip
from beatline.property_paths import parse_path
from collector.api.schemas import StrictSchema

SEARCH_SECONDS = 2.0  # then a page answers what was found
MOST_TYPES = 20
VALUE_LENGTH = 1_000
PROPERTY_LENGTH = 2_000
NO_NUL = validate.ContainsNoneOf("\0", error="Holds NUL.")
PROPERTY_ABOUT = {
    "type": "string",
    "maxLength": PROPERTY_LENGTH,
    "example": '{"property": "plan", "operator": "equals", "value": "pro"}',
    "description": "JSON: property, operator (equals, contains, exists, greater, less) and value, whose type "
    "counts. docs/event-log.md",
}

Value = str | int | float | bool | None


class PropertyBody(msgspec.Struct, forbid_unknown_fields=True):
    """A filter on a property, as it is given."""

    property: str
    operator: Operator = Operator.EQUALS
    value: Value | msgspec.UnsetType = msgspec.UNSET


decode_body = msgspec.json.Decoder(PropertyBody).decode


class PropertyField(fields.Field[PropertyFilter]):
    """A filter on a property: JSON in, PropertyFilter out."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any
    ) -> PropertyFilter:
        try:
            body = decode_body(str(value)[: PROPERTY_LENGTH + 1])
            path = parse_path(body.property)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ValidationError(str(error)) from None
        return PropertyFilter(path, body.operator, checked_value(body))


def checked_value(body: PropertyBody) -> Value:
    """The value of a filter. Raises ValidationError when its operator does not take it."""
    value = body.value
    if body.operator is Operator.EXISTS:
        value = True if value is msgspec.UNSET else value
        if not isinstance(value, bool):
            raise ValidationError("exists takes true or false.")
        return value
    if isinstance(value, msgspec.UnsetType):
        raise ValidationError(f"{body.operator} takes a value.")
    if isinstance(value, str) and (len(value) > VALUE_LENGTH or "\0" in value):
        raise ValidationError(f"A text has at most {VALUE_LENGTH} characters, and no NUL.")
    if body.operator in (Operator.GREATER, Operator.LESS) and (value is None or isinstance(value, bool)):
        raise ValidationError(f"{body.operator} takes a number or a text.")
    return value


def text(longest: int, about: str) -> fields.String:
    """A text to filter by."""
    return fields.String(
        load_default=None,
        validate=[validate.Length(1, longest), NO_NUL],
        metadata={"description": about},
    )


def event_types() -> fields.List[str]:
    """Types to filter by; the parameter may be repeated."""
    return fields.List(
        fields.String(validate=[validate.Length(1, 128), NO_NUL]),
        load_default=None,
        validate=validate.Length(1, MOST_TYPES),
        metadata={"description": f"Repeated: any of them, at most {MOST_TYPES}."},
    )


class TimeParameters(StrictSchema):
    """[since, until); absent: all time."""

    since = fields.AwareDateTime(load_default=FIRST, default_timezone=UTC)
    until = fields.AwareDateTime(
        load_default=LAST,
        default_timezone=UTC,
        metadata={"description": "Itself not within."},
    )

    @validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a time that ends before it begins, or that no event has."""
        for name in ("since", "until"):
            if not FIRST <= data[name] <= LAST:
                raise ValidationError("Events are of the years 1970 to 2199.", name)
        if data["until"] < data["since"]:
            raise ValidationError("Before since.", "until")


class FilterParameters(TimeParameters):
    """Which events; all that is given has to be so."""

    event_type = event_types()
    user_id = text(200, "Of this user.")
    anonymous_id = text(200, "With this anonymous id.")
    session_id = text(200, "Of this session.")
    device_id = text(200, "Of this device.")
    page_url = text(2_048, "Of exactly this page.")
    page_prefix = text(2_048, "Of pages whose URL begins so.")
    property = fields.List(
        PropertyField(metadata=PROPERTY_ABOUT),
        load_default=(),
        validate=validate.Length(0, MOST_PROPERTIES),
        metadata={"description": f"Repeated: all of them, at most {MOST_PROPERTIES}."},
    )


def filter_of(project_id: int, parameters: dict[str, Any], **more: Any) -> Filter:
    """The filter that a request's parameters are."""
    names = FilterParameters._declared_fields.keys() - {"event_type", "property"}
    columns = {name: parameters[name] for name in names}
    properties = tuple(parameters["property"])
    return Filter(project_id, event_types=parameters["event_type"], properties=properties, **columns | more)


def search_budget(seconds: float = SEARCH_SECONDS) -> Callable[[], bool]:
    """Says whether so many seconds from now are over."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
