"""The front door: ingest requests are answered here, before Flask.

Flask's routing, request object and hooks cost more than an event itself and bring nothing to these routes
(docs/decisions.md), so a thin WSGI application answers them and hands everything else to Flask. They
appear in the same OpenAPI document (collector/api/openapi.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Any

import structlog

from beatline.events import Reason
from collector.answers import Answer, error_body, json_answer, request_id_of
from collector.ingest.collect import Collector, Refused, refusal
from collector.ingest.protocols import CAPTURE, EVENTS, TRACK

log = structlog.get_logger()

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
Handler = Callable[[Collector, bytes], Answer]

JSON_TYPES = {
    "", "application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"
}  # fmt: skip
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

ROUTES: dict[str, tuple[str, Handler]] = {
    "/events": ("events", lambda collector, body: collector.one(body, EVENTS, 202)),
    "/track": ("track", lambda collector, body: collector.one(body, TRACK, 202)),
    "/api/v1/analytics/capture": (
        "capture",
        lambda collector, body: collector.one(body, CAPTURE, 200),
    ),
    "/api/v1/analytics/batch": ("batch", lambda collector, body: collector.batch(body)),
}


class FrontDoor:
    """WSGI application in front of another one."""

    def __init__(self, inner: WsgiApp, collector: Collector) -> None:
        self.inner = inner
        self.collector = collector
        self.routes = ROUTES | {f"{path}/": route for path, route in ROUTES.items()}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        route = self.routes.get(environ["PATH_INFO"])
        if route is None:
            return self.inner(environ, start_response)
        started = perf_counter()
        source, handler = route
        answer = self.answer(environ, handler)
        requests = self.collector.metrics.requests
        requests(source, answer.status).observe(perf_counter() - started)
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(answer.body))),
            *answer.headers.items(),
        ]
        start_response(STATUS_LINES[answer.status], headers)
        return (answer.body,)

    def answer(self, environ: dict[str, Any], handler: Handler) -> Answer:
        """The answer to an ingest request, whatever happens."""
        try:
            body = read_body(environ, self.collector.settings.max_body_bytes)
            return handler(self.collector, body)
        except Refused as refused:
            return refusal(refused, request_id_of(environ.get("HTTP_X_REQUEST_ID")))
        except Exception:
            request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID"))
            log.exception("ingest failed", request_id=request_id, path=environ["PATH_INFO"])
            message = "Something went wrong here; it has been logged."
            return json_answer(500, error_body("internal_server_error", message, request_id))


def read_body(environ: dict[str, Any], max_bytes: int) -> bytes:
    """The body of a POST, of a type that may hold JSON and within the limit, chunked or not."""
    if environ["REQUEST_METHOD"] != "POST":
        raise Refused(405, "method_not_allowed", "Only POST is allowed here.", allow="POST")
    media_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type not in JSON_TYPES:
        raise Refused(415, "unsupported_media_type", f"Send JSON, not {media_type}.")
    length = content_length(environ)
    if length > max_bytes:
        raise too_large(max_bytes)
    stream = environ["wsgi.input"]
    body: bytes = stream.read(length) if length >= 0 else stream.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise too_large(max_bytes)
    return body


def content_length(environ: dict[str, Any]) -> int:
    """The declared length of the body; -1 for a chunked one."""
    declared = environ.get("CONTENT_LENGTH")
    if not declared:
        return -1 if environ.get("HTTP_TRANSFER_ENCODING") else 0
    if not declared.isdigit():
        raise Refused(400, "bad_request", "Content-Length is not a number.")
    return int(declared)


def too_large(max_bytes: int) -> Refused:
    """The answer to a body beyond the limit."""
    message = f"Larger than {max_bytes} bytes."
    return Refused(413, Reason.TOO_LARGE, "The request was refused.", {"body": [message]})
