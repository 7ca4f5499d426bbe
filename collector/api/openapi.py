"""OpenAPI 3: /openapi.json."""

from __future__ import annotations

from typing import Any

from flask_smorest import Api
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from beatline import __version__
from beatline.ingest.wire import (
    PAYLOAD_SCHEMAS,
    SessionEndSchema,
    SessionStartSchema,
    SimpleEventSchema,
    TrackedEventSchema,
)
from collector.api.access import SCHEMES
from collector.api.schemas import ErrorSchema
from collector.api.sdk_routes import document_sdk_routes

CONFIG = {
    "API_TITLE": "Beatline",
    "API_VERSION": __version__,
    "OPENAPI_VERSION": "3.0.3",
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {"description": "Real-time event tracking: events in, exact answers out."},
        "components": {"securitySchemes": SCHEMES},
    },
}


class JsonApi(Api):
    """flask-smorest's API, its errors in our one shape."""

    ERROR_SCHEMA = ErrorSchema


class StoredSchema(Schema):
    """The event is stored."""

    event_id = fields.UUID(required=True)


class SessionStartedSchema(StoredSchema):
    """The session has begun."""

    session_id = fields.String(required=True)
    started_at = fields.DateTime(required=True)


class SessionEndedSchema(Schema):
    """The session is over."""

    session_id = fields.String(required=True)
    started_at = fields.DateTime(required=True)
    ended_at = fields.DateTime(required=True)


class BatchSchema(Schema):
    """Events to store."""

    events = fields.List(
        fields.Nested(TrackedEventSchema),
        required=True,
        metadata={"minItems": 1, "maxItems": 10_000},
    )


class RefusedEventSchema(Schema):
    """An event of a batch that was refused."""

    index = fields.Integer(required=True)
    errors = fields.Dict(required=True)
    line = fields.Integer(metadata={"description": "Of CSV: where the row starts."})


class BatchStoredSchema(Schema):
    """How many events are stored, and which are not and why."""

    accepted = fields.Integer(required=True)
    rejected = fields.List(fields.Nested(RefusedEventSchema), required=True)


INGESTION: list[tuple[str, str, type[Schema], int, type[Schema]]] = [
    ("/events", "Store a view, click or location", SimpleEventSchema, 202, StoredSchema),
    ("/track", "Store an event", TrackedEventSchema, 202, StoredSchema),
    ("/api/v1/analytics/capture/", "Store an event", TrackedEventSchema, 200, StoredSchema),
    ("/api/v1/analytics/batch/", "Store many events", BatchSchema, 200, BatchStoredSchema),
]
CSV_BODY = {
    "schema": {"type": "string"},
    "example": "timestamp,user_id,event_type,plan\n2024-03-15T14:30:00Z,usr_789,signup,pro\n",
}
ERRORS = {
    400: "The event is refused; errors says why, field by field",
    401: "A write key is needed",
    413: "Too large",
    415: "Not JSON",
    500: "The event could not be stored, for good",
    503: "Nothing was stored; send again after Retry-After seconds",
}


def document_ingestion(api: Api) -> None:
    """Describe the routes that the front door answers, beside Flask's."""
    for name, schema in PAYLOAD_SCHEMAS.items():
        api.spec.components.schema(f"{name.capitalize()}Payload", schema=schema)
    for path, summary, request, status, response in INGESTION:
        described = {"post": operation(summary, request, status, response)}
        if request is BatchSchema:
            described["post"]["requestBody"]["content"]["text/csv"] = CSV_BODY
        api.spec.path(rule=Rule(path), operations=described)
    path = "/api/v1/analytics/session"
    begin = operation("Begin a session", SessionStartSchema, 200, SessionStartedSchema)
    api.spec.path(rule=Rule(f"{path}/start/"), operations={"post": begin})
    api.spec.path(rule=Rule(f"{path}/<session_id>/end/"), operations={"put": session_end()})
    api.spec.path(rule=Rule("/webhooks/in/<source>"), operations={"post": webhook()})
    document_sdk_routes(api)


def operation(summary: str, request: type[Schema], status: int, response: type[Schema]) -> dict[str, Any]:
    """One POST of ingestion as OpenAPI describes it."""
    responses = {str(code): answer(text, ErrorSchema) for code, text in ERRORS.items()}
    return {
        "tags": ["ingestion"],
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {str(status): answer("Stored", response), **responses},
    }


def session_end() -> dict[str, Any]:
    """The PUT that ends a session."""
    described = operation("End a session", SessionEndSchema, 200, SessionEndedSchema)
    described["requestBody"]["required"] = False
    described["parameters"] = [
        {"in": "path", "name": "session_id", "required": True, "schema": {"type": "string", "maxLength": 200}}
    ]
    described["responses"]["404"] = answer("No such session was seen in the last day", ErrorSchema)
    return described


def webhook() -> dict[str, Any]:
    """The POST of a source of webhooks; what it sends is its own affair."""
    described = operation("Store what a source of webhooks sends", BatchSchema, 200, BatchStoredSchema)
    described["requestBody"]["content"] = {"application/json": {"schema": {}}}
    described["parameters"] = [
        {"in": "path", "name": "source", "required": True, "schema": {"type": "string"}},
        {"in": "header", "name": "X-Beatline-Signature", "schema": {"type": "string"},
         "description": "t=<unix time>,v1=<hex HMAC-SHA256>; GitHub and Stripe send their own header."},
    ]  # fmt: skip
    described["responses"]["401"]["description"] = "The signature is wrong, or too old"
    described["responses"]["404"] = answer("There is no such source", ErrorSchema)
    return described


def answer(description: str, schema: type[Schema]) -> dict[str, Any]:
    """One JSON answer as OpenAPI describes it."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}
