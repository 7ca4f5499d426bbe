"""What clients send, described twice: msgspec decodes every event, marshmallow explains what is wrong with a
refused one and documents it in OpenAPI. A test keeps the two alike.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from marshmallow import EXCLUDE, INCLUDE, Schema, ValidationError, fields, validate
from msgspec import Meta

ID_LENGTH, TYPE_LENGTH, TEXT_LENGTH, URL_BYTES = 200, 128, 200, 2_048

EventType = Annotated[str, Meta(min_length=1, max_length=TYPE_LENGTH)]
Identifier = Annotated[str, Meta(max_length=ID_LENGTH)]
Text = Annotated[str, Meta(max_length=TEXT_LENGTH)]


class TrackedEvent(msgspec.Struct, gc=False):
    """An event of /track, capture and batch: the names of all three are understood everywhere."""

    event_type: EventType
    user_id: Identifier | None = None
    distinct_id: Identifier | None = None
    anonymous_id: Identifier | None = None
    session_id: Identifier | None = None
    device_id: Identifier | None = None
    event_id: Identifier | None = None
    timestamp: Annotated[str, Meta(max_length=64)] | None = None
    sent_at: Annotated[str, Meta(max_length=64)] | None = None
    page_url: str | None = None
    app_version: Text | None = None
    os_name: Text | None = None
    os_version: Text | None = None
    properties: dict[str, Any] | None = None


class SimpleEvent(msgspec.Struct, gc=False):
    """An event of POST /events."""

    user_id: Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
    event_type: Literal["view", "click", "location"]
    payload: dict[str, Any]


def page_url_fits(page_url: str) -> None:
    """Index entries hold the URL, so its UTF-8 is bounded."""
    if len(page_url.encode("utf-8", "surrogatepass")) > URL_BYTES:
        raise ValidationError(f"Longer than {URL_BYTES} bytes.")


def identifier(**options: Any) -> fields.String:
    """A text of at most ID_LENGTH characters, absent when null."""
    return fields.String(allow_none=True, validate=validate.Length(max=ID_LENGTH), **options)


def text() -> fields.String:
    """A text of at most TEXT_LENGTH characters, absent when null."""
    return fields.String(allow_none=True, validate=validate.Length(max=TEXT_LENGTH))


class Number(fields.Float):
    """A JSON number: no text, no boolean."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class TrackedEventSchema(Schema):
    """An event of /track, capture and batch."""

    class Meta:
        unknown = EXCLUDE

    event_type = fields.String(required=True, validate=validate.Length(min=1, max=TYPE_LENGTH))
    user_id = identifier(metadata={"description": "Who; an empty text means nobody."})
    distinct_id = identifier(metadata={"description": "Another name of user_id."})
    anonymous_id = identifier()
    session_id = identifier(metadata={"description": "Absent: the user's own implicit session."})
    device_id = identifier()
    event_id = identifier(metadata={"description": "Sent again with the same id, an event is stored once."})
    timestamp = fields.String(
        allow_none=True,
        validate=validate.Length(max=64),
        metadata={
            "description": "ISO 8601, UTC unless it says otherwise; absent: now.",
            "example": "2024-03-15T14:30:00Z",
        },
    )
    sent_at = fields.String(
        allow_none=True,
        validate=validate.Length(max=64),
        metadata={"description": "The client's time of sending: tells how far its clock is off."},
    )
    page_url = fields.String(allow_none=True, validate=page_url_fits)
    app_version = text()
    os_name = text()
    os_version = text()
    properties = fields.Dict(keys=fields.String(), allow_none=True)


class SessionStartSchema(TrackedEventSchema):
    """What begins a session: an event whose type is known, all else optional."""

    event_type = fields.String(validate=validate.Equal("session_start"), metadata={"enum": ["session_start"]})
    session_id = identifier(metadata={"description": "Absent: one is made."})


class SessionEndSchema(TrackedEventSchema):
    """What ends a session; the path has its id. Who names the user spares a search."""

    class Meta:
        unknown = EXCLUDE
        exclude = ("session_id",)

    event_type = fields.String(validate=validate.Equal("session_end"), metadata={"enum": ["session_end"]})


class ViewPayloadSchema(Schema):
    """A page was seen."""

    class Meta:
        unknown = INCLUDE

    url = fields.String(
        required=True, validate=validate.And(validate.Length(min=1, max=URL_BYTES), page_url_fits)
    )
    title = fields.String(allow_none=True, validate=validate.Length(max=1_000))


class ClickPayloadSchema(Schema):
    """Something was clicked."""

    class Meta:
        unknown = INCLUDE

    element_id = fields.String(allow_none=True, validate=validate.Length(max=1_000))
    text = fields.String(allow_none=True, validate=validate.Length(max=1_000))
    xpath = fields.String(allow_none=True, validate=validate.Length(max=1_000))


class LocationPayloadSchema(Schema):
    """Somebody was somewhere: degrees (WGS 84) and metres."""

    class Meta:
        unknown = INCLUDE

    latitude = Number(required=True, validate=validate.Range(-90, 90))
    longitude = Number(required=True, validate=validate.Range(-180, 180))
    accuracy = Number(allow_none=True, validate=validate.Range(min=0))


PAYLOAD_SCHEMAS: dict[str, type[Schema]] = {
    "view": ViewPayloadSchema,
    "click": ClickPayloadSchema,
    "location": LocationPayloadSchema,
}


class SimpleEventSchema(Schema):
    """An event of POST /events; the payload depends on event_type."""

    class Meta:
        unknown = EXCLUDE

    user_id = fields.String(required=True, validate=validate.Length(min=1, max=ID_LENGTH))
    event_type = fields.String(required=True, validate=validate.OneOf(list(PAYLOAD_SCHEMAS)))
    payload = fields.Dict(keys=fields.String(), required=True)


def explain(schema: type[Schema], data: Any) -> dict[str, Any]:
    """What is wrong with data, {field: [message]}; payloads of /events included. Empty: nothing."""
    if not isinstance(data, dict):
        return {"event": ["Not a JSON object."]}
    errors: dict[str, Any] = dict(schema().validate(data))
    payload_schema = PAYLOAD_SCHEMAS.get(str(data.get("event_type")))
    if schema is SimpleEventSchema and payload_schema and isinstance(data.get("payload"), dict):
        payload_errors = payload_schema().validate(data["payload"])
        if payload_errors:
            errors["payload"] = payload_errors
    return errors
