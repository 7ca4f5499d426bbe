"""The routes of other people's SDKs in OpenAPI: the main ones, their aliases by name (docs/sdks.md)."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask_smorest import Api
from marshmallow import fields
from werkzeug.routing import Rule

from collector.api.schemas import ErrorSchema

SUCCESS = {"type": "object", "required": ["success"], "properties": {"success": {"type": "boolean"}}}
STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"type": "integer"}}}
RESULTS = {"type": "object", "required": ["results"], "properties": {"results": {"type": "object"}}}
DOCUMENT = {"type": "object"}
CALLS = ["track", "identify", "page", "screen", "group", "alias"]
TRACK = {"type": "track", "event": "Order Completed", "userId": "usr_1", "properties": {"total": 9.99}}
CAPTURE = {"event": "Order Completed", "distinct_id": "usr_1", "properties": {"total": 9.99}}
ERRORS = {
    "400": "The body cannot be read",
    "401": "The write key is unknown, or needed",
    "403": "The project is paused",
    "413": "Too large",
    "503": "Nothing was stored; send again after Retry-After seconds",
}


class DetailedErrorSchema(ErrorSchema):
    """An error as PostHog's SDKs read it."""

    detail = fields.String(metadata={"description": "The message once more."})


class SdkRoute(NamedTuple):
    """One route: how it is asked and answered. example is of a body, parameter (name, values) of the path."""

    path: str
    method: str
    tag: str
    summary: str
    answer: dict[str, Any]
    example: dict[str, Any] | None = None
    content_type: str = "application/json"
    parameter: tuple[str, list[str]] | None = None


KEY = ("write_key", ["bl_0123456789abcdef"])
SDK_ROUTES = [
    SdkRoute("/v1/batch", "post", "Segment", "Calls of any kind; also /v1/b, /v1/import and, of "
             "RudderStack, /beacon/v1/batch", SUCCESS, {"batch": [TRACK], "sentAt": "2026-11-22T13:27:12Z"}),
    SdkRoute("/v1/<call>", "post", "Segment", "One call; also by its first letter", SUCCESS, TRACK,
             parameter=("call", CALLS)),
    SdkRoute("/v1/projects/<write_key>/settings", "get", "Segment", "Where analytics.js sends", DOCUMENT,
             parameter=KEY),
    SdkRoute("/sourceConfig/", "get", "RudderStack", "The source's configuration", DOCUMENT),
    SdkRoute("/batch/", "post", "PostHog", "Captured events; also /i/v0/ai/batch/", STATUS,
             {"api_key": KEY[1][0], "batch": [CAPTURE], "sent_at": "2026-11-22T13:27:12Z"}),
    SdkRoute("/i/v0/e/", "post", "PostHog", "Captured events, one or more; also /e/, /capture/, /track/ and "
             "/engage/", STATUS, {"api_key": KEY[1][0], **CAPTURE}),
    SdkRoute("/i/v1/analytics/events", "post", "PostHog", "Capture v1: what became of each event", RESULTS,
             {"batch": [{"uuid": "01a20479-da40-7b65-b95e-baa6d1b0c69d", **CAPTURE}]}),
    SdkRoute("/flags/", "post", "PostHog", "Feature flags: there are none", DOCUMENT,
             {"distinct_id": "usr_1"}),
    SdkRoute("/decide/", "post", "PostHog", "Feature flags and configuration of older releases", DOCUMENT,
             {"distinct_id": "usr_1"}),
    SdkRoute("/array/<write_key>/config", "get", "PostHog", "How posthog-js is to behave", DOCUMENT,
             parameter=KEY),
    SdkRoute("/api/event", "post", "Plausible", "One event", {"type": "string"},
             {"n": "pageview", "u": "https://shop.example/", "d": "shop.example"}, "text/plain"),
]  # fmt: skip


def document_sdk_routes(api: Api) -> None:
    """Describe the routes of SDKs, which the front door answers."""
    for route in SDK_ROUTES:
        api.spec.path(rule=Rule(route.path), operations={route.method: operation(route)})


def operation(route: SdkRoute) -> dict[str, Any]:
    """One route as OpenAPI describes it."""
    schema = DetailedErrorSchema if route.tag == "PostHog" else ErrorSchema
    error = {"application/json": {"schema": schema}}
    described: dict[str, Any] = {
        "tags": [f"SDKs: {route.tag}"],
        "summary": route.summary,
        "responses": {
            "200": {"description": "Done", "content": {route.content_type: {"schema": route.answer}}},
            **{status: {"description": text, "content": error} for status, text in ERRORS.items()},
        },
    }
    if route.example:
        body = {"schema": {"type": "object"}, "example": route.example}
        described["requestBody"] = {"required": True, "content": {"application/json": body}}
    if route.parameter:
        name, values = route.parameter
        kind = {"type": "string"} if len(values) == 1 else {"type": "string", "enum": values}
        described["parameters"] = [
            {"in": "path", "name": name, "required": True, "schema": kind, "example": values[0]}
        ]
    return described
