"""The front door: ingest requests are answered here, before Flask.

Flask's routing, request object and hooks cost more than an event itself and bring nothing to these routes
(docs/decisions.md), so a thin WSGI application answers them and hands everything else to Flask. They
appear in the same OpenAPI document (collector/api/openapi.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Any

import structlog

from beatline.events import Reason
from collector.answers import Answer, error_body, json_answer, request_id_of
from collector.ingest import (
    beatline,
    plausible,
    posthog,
    posthog_config,
    rudderstack,
    segment,
    sessions,
    webhooks,
)
from collector.ingest.collect import Collector
from collector.ingest.limits import limit_headers
from collector.ingest.request import Refused, Request, refusal, too_large
from collector.ingest.routes import Route

log = structlog.get_logger()

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

# A later one wins where two have a path: /track is PostHog's as well, and posthog.py tells them apart.
PROTOCOLS = (beatline, sessions, segment, rudderstack, posthog, posthog_config, plausible, webhooks)
ROUTES: dict[str, Route] = {
    path: route._replace(path=path) for protocol in PROTOCOLS for path, route in protocol.ROUTES.items()
}
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

SKIPPED_BYTES = 65_536  # at a time
EXPOSED = "Retry-After, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Content-Encoding, X-Write-Key, X-Retry-Count, AnonymousId, SentAt"
)
HEADER_NAMES = re.compile(r"[\w\-, ]{1,1000}", re.ASCII)
ORIGIN = re.compile(r"[\w:/.\-\[\]]{1,1000}", re.ASCII)


class FrontDoor:
    """WSGI application in front of another one. Each path is a route with and without a slash at its end: a
    POST is never redirected (CONTRACTS, section 11, pitfall 7). `{}` in a path stands for one segment."""

    def __init__(self, inner: WsgiApp, collector: Collector) -> None:
        self.inner = inner
        self.collector = collector
        fixed = {path: route for path, route in ROUTES.items() if "{}" not in path}
        self.routes = fixed | {f"{path}/": route for path, route in fixed.items()}
        self.patterns = [
            (re.compile(re.escape(path).replace(r"\{\}", "[^/]+") + "/?"), route)
            for path, route in ROUTES.items()
            if "{}" in path
        ]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        route = self.route(environ["PATH_INFO"])
        if route is None:
            return self.inner(environ, start_response)
        started = perf_counter()
        request = Request(environ)
        answer = self.answer(request, route)
        requests = self.collector.metrics.requests
        requests(route.source, route.path, answer.status).observe(perf_counter() - started)
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.body)),
            "X-Content-Type-Options": "nosniff",
            **limit_headers(request),
            **answer.headers,
        }
        start_response(STATUS_LINES[answer.status], [*headers.items(), *cors(request, route)])
        return (answer.body,)

    def route(self, path: str) -> Route | None:
        """The route of a path, if it is one of ingestion."""
        route = self.routes.get(path)
        if route is None:
            for pattern, candidate in self.patterns:
                if pattern.fullmatch(path):
                    return candidate
        return route

    def answer(self, request: Request, route: Route) -> Answer:
        """The answer to an ingest request, whatever happens."""
        try:
            if request.method == "OPTIONS":
                return preflight(request, route)
            if request.method not in route.methods:
                allow = ", ".join(route.methods)
                raise Refused(405, "method_not_allowed", f"Only {allow} is allowed here.", allow=allow)
            self.collector.limits.admit_address(request)
            self.collector.check_load()
            if request.own_key():
                self.collector.authenticate(request)
            request.body = read_body(request.environ, self.collector.settings.max_body_bytes)
            return route.handle(self.collector, request)
        except Refused as refused:
            skip_body(request.environ, self.collector.settings.max_body_bytes)
            if refused.code == Reason.RATE_LIMITED:
                refused.status = route.busy
            return refusal(refused, request_id_of(request.header("X-Request-Id")), detail=route.detail)
        except Exception:
            request_id = request_id_of(request.header("X-Request-Id"))
            log.exception("ingest failed", request_id=request_id, path=request.path)
            message = "Something went wrong here; it has been logged."
            return json_answer(500, error_body("internal_server_error", message, request_id))


def cors(request: Request, route: Route) -> list[tuple[str, str]]:
    """What lets browsers read the answer: every origin may, for no request carries credentials of ours
    (CONTRACTS, section 2), unless the project says which. Preflights come before the project is known."""
    origin = request.header("Origin")
    named = request.allowed_origins
    if named is not None and origin not in named:
        return [("Vary", "Origin")]
    allowed = [("Access-Control-Allow-Origin", "*")]
    if origin and (named is not None or (route.credentials and ORIGIN.fullmatch(origin))):
        allowed = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        if route.credentials:
            allowed.append(("Access-Control-Allow-Credentials", "true"))
    return [*allowed, ("Access-Control-Expose-Headers", EXPOSED)]


def preflight(request: Request, route: Route) -> Answer:
    """The answer to a browser that asks what it may send: whatever it names."""
    asked = request.header("Access-Control-Request-Headers") or ""
    headers = {
        "Access-Control-Allow-Methods": ", ".join(("GET", "POST", "PUT", "OPTIONS")),
        "Access-Control-Allow-Headers": asked if HEADER_NAMES.fullmatch(asked) else ALLOWED_HEADERS,
        "Access-Control-Max-Age": "86400",
        "Allow": ", ".join((*route.methods, "OPTIONS")),
    }
    return Answer(204, b"", headers)


def read_body(environ: dict[str, Any], max_bytes: int) -> bytes:
    """The body of a request, within the limit, chunked or not."""
    length = content_length(environ)
    if length > max_bytes:
        raise too_large(max_bytes)
    stream = environ["wsgi.input"]
    body: bytes = stream.read(length) if length >= 0 else stream.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise too_large(max_bytes)
    return body


def skip_body(environ: dict[str, Any], max_bytes: int) -> None:
    """Read what is left of a body within the limit: a client that is cut off while it sends loses the
    answer (RFC 9112, section 9.6)."""
    declared = environ.get("CONTENT_LENGTH", "")
    if declared.isdigit() and int(declared) > max_bytes:
        return
    left = max_bytes
    while left > 0 and (piece := environ["wsgi.input"].read(min(left, SKIPPED_BYTES))):
        left -= len(piece)


def content_length(environ: dict[str, Any]) -> int:
    """The declared length of the body; -1 for a chunked one."""
    declared = environ.get("CONTENT_LENGTH")
    if not declared:
        return -1 if environ.get("HTTP_TRANSFER_ENCODING") else 0
    if not declared.isdigit():
        raise Refused(400, "bad_request", "Content-Length is not a number.")
    return int(declared)
