"""Segment's HTTP tracking API, which RudderStack's SDKs speak as well (CONTRACTS, sections 3 to 5)."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from beatline.events import Reason
from beatline.ingest.pipeline import Protocol, holds_nul
from beatline.ingest.wire import TrackedEvent
from collector.answers import Answer, json_answer
from collector.ingest.collect import Collector
from collector.ingest.envelope import Envelope, json_text, open_envelope
from collector.ingest.request import Refused, Request, too_large
from collector.ingest.routes import Handler, Route
from collector.ingest.translate import (
    Fields,
    invalid,
    object_at,
    object_or_empty,
    read_fields,
    take,
    text,
    tracked,
    unless_close,
    without_nulls,
)  # fmt: skip
from collector.ingest.user_agent import operating_system

SUCCESS = b'{"success":true}'

EVENT_TYPES = {
    "page": "page_view",
    "screen": "screen_view",
    "identify": "$identify",
    "group": "$group",
    "alias": "$alias",
}  # and a track's own name
CALLS = {"track", *EVENT_TYPES}
REQUIRED = {"track": ("event",), "group": ("groupId",), "alias": ("previousId", "userId")}
COLUMNS = {
    "device_id": ("device", "id"),
    "page_url": ("page", "url"),
    "app_version": ("app", "version"),
    "os_name": ("os", "name"),
    "os_version": ("os", "version"),
}  # and where they are in an event's context
RUDDERSTACK_BROWSER = "com.rudderlabs.javascript"
SERVER_LIBRARIES = {
    "analytics-python", "@segment/analytics-node", "analytics-node", "analytics-ruby", "analytics-go",
    "analytics-php", "analytics-java", "analytics-csharp", "Analytics.NET", "analytics-rust",
}  # fmt: skip
ALL_DESTINATIONS: tuple[Fields, ...] = ({}, {"All": True})
HOST = re.compile(r"(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)


class Batch(Envelope, rename="camel"):
    """{"batch": […], "writeKey", "sentAt", "context", "integrations"}"""

    write_key: Any = None
    sent_at: Any = None
    context: Any = None
    integrations: Any = None


decoder = msgspec.json.Decoder(Batch)


def receive(source: str, call: str | None = None) -> Handler:
    """The handler of a route for one kind of call, or for batches of any."""

    def handle(collector: Collector, request: Request) -> Answer:
        body = json_text(collector, request)
        batch = open_envelope(body, decoder)
        collector.authenticate(request, text(batch.write_key))
        events = batch.batch
        if events is None:
            events, batch = [msgspec.Raw(body)], Batch()
        check_shared(batch, len(events), collector.settings.max_body_bytes)
        decode = partial(translate, call=call, batch=batch, received_at=request.received_at)
        collector.many(request, Protocol(source, decode), events)
        return Answer(200, SUCCESS)

    return handle


def check_shared(batch: Batch, events: int, max_bytes: int) -> None:
    """Raise Refused where what a batch says for all of its events cannot be stored with each of them."""
    said = [batch.context, batch.integrations]
    if said == [None, None]:
        return
    if holds_nul(said):
        raise Refused(400, Reason.CHARACTER, "NUL characters cannot be stored.")
    if len(msgspec.json.encode(said)) * events > max_bytes:
        raise too_large(max_bytes)


def translate(
    raw: bytes | msgspec.Raw, call: str | None, batch: Batch, received_at: datetime
) -> TrackedEvent:
    """One call as the canonical event. Raises msgspec.ValidationError when something required is missing."""
    fields = read_fields(raw)
    call = call or text(fields.get("type"))
    if call not in CALLS:
        raise invalid("type", f"Must be one of: {', '.join(sorted(CALLS))}.")
    check_required(call, fields)
    context = object_or_empty(batch.context) | object_or_empty(fields.get("context"))
    server = is_server(fields, context)
    sent_at = text(fields.get("sentAt")) or text(batch.sent_at)
    columns = take_columns(context)
    properties = properties_of(call, fields, context)
    chosen = object_or_empty(batch.integrations) | object_or_empty(fields.get("integrations"))
    if chosen not in ALL_DESTINATIONS:
        properties["$integrations"] = chosen
    if context:
        properties["$context"] = context
    return tracked(
        event_type=EVENT_TYPES.get(call) or text(fields["event"]),
        user_id=text(fields.get("userId")),
        anonymous_id=text(fields.get("previousId" if call == "alias" else "anonymousId")),
        event_id=text(fields.get("messageId")),
        timestamp=text(fields.get("originalTimestamp")) or text(fields.get("timestamp")),
        sent_at=unless_close(sent_at, received_at) if server else sent_at,
        properties=properties,
        **columns,
    )


def check_required(call: str, fields: Fields) -> None:
    """Raise msgspec.ValidationError for a call without what its kind needs (CONTRACTS, section 3)."""
    for name in REQUIRED.get(call, ()):
        if text(fields.get(name)) is None:
            raise invalid(name, "Missing data for required field.")
    if text(fields.get("userId")) is None and text(fields.get("anonymousId")) is None:
        raise invalid("userId", "Either userId or anonymousId is needed.")


def is_server(fields: Fields, context: Fields) -> bool:
    """Whether a server's SDK sent the event: its clock is good, and what it runs on is no visitor's."""
    library = object_or_empty(context.get("library")).get("name")
    return fields.get("channel") == "server" or (isinstance(library, str) and library in SERVER_LIBRARIES)


def take_columns(context: Fields) -> dict[str, str | None]:
    """The event's columns, taken out of its context; what remains there has no column."""
    columns = {"session_id": take(context, "sessionId", "session_id")}
    for column, (section, name) in COLUMNS.items():
        held = context.get(section)
        if not isinstance(held, dict):
            continue
        if column == "app_version" and held.get("namespace") == RUDDERSTACK_BROWSER:
            continue  # it is the SDK's version
        held = context[section] = dict(held)
        columns[column] = take(held, name, column)
        if held.get(name) in (None, ""):
            held.pop(name, None)
        if not held:
            del context[section]
    columns["os_name"] = columns.get("os_name") or visitor_os(context)
    return columns


def visitor_os(context: Fields) -> str | None:
    """The operating system as the browser tells it, else as its User-Agent does."""
    platform = object_or_empty(context.get("userAgentData")).get("platform")
    user_agent = context.get("userAgent")
    if isinstance(platform, str) and platform:
        return platform[:200]
    return operating_system(user_agent)[0] if isinstance(user_agent, str) else None


def properties_of(call: str, fields: Fields, context: Fields) -> Fields:
    """The event's properties: a call's own, or the traits of a user or group (null there: unset)."""
    if call in {"identify", "group"}:
        traits = object_at(fields, "traits")
        if call == "group":
            return traits | {"group_id": text(fields["groupId"])}
        return traits or object_or_empty(context.pop("traits", None))
    properties = object_at(fields, "properties")
    if call in {"page", "screen"}:
        properties = {name: fields.get(name) for name in ("name", "category")} | properties
    return without_nulls(properties)


def settings(collector: Collector, request: Request) -> Answer:
    """What analytics.js asks before it sends anything: where to, with which key (CONTRACTS, section 4.3); and
    not to tell Segment how it fares."""
    scheme, host = public_address(request, collector.settings.trusted_proxies)
    destination = {"apiKey": segment_of(request.path, 3), "apiHost": f"{host}/v1", "protocol": scheme}
    return json_answer(200, {"integrations": {"Segment.io": destination}, "metrics": {"sampleRate": 0}})


def segment_of(path: str, number: int) -> str:
    """One segment of a path, as UTF-8."""
    return path.split("/")[number].encode("latin-1", "replace").decode(errors="replace")


def public_address(request: Request, trusted_proxies: int) -> tuple[str, str]:
    """Scheme and host under which the client reaches us. Raises Refused when it names no host."""
    scheme = forwarded(request, "Proto", trusted_proxies) or str(request.environ["wsgi.url_scheme"])
    host = forwarded(request, "Host", trusted_proxies) or request.header("Host") or ""
    if scheme not in {"http", "https"} or not HOST.fullmatch(host):
        raise Refused(400, "bad_request", "The Host header is no host.")
    return scheme, host


def forwarded(request: Request, name: str, trusted_proxies: int) -> str | None:
    """What the outermost trusted proxy says of the request that it got, if there is one."""
    said = request.header(f"X-Forwarded-{name}")
    if not trusted_proxies or not said:
        return None
    hops = [hop.strip() for hop in said.split(",")]
    return hops[-min(trusted_proxies, len(hops))]


def discard(collector: Collector, request: Request) -> Answer:
    """The SDK's own metrics: taken and forgotten."""
    return Answer(200, SUCCESS)


ROUTES: dict[str, Route] = {
    **{f"/v1/{path}": Route("segment", receive("segment")) for path in ("batch", "b", "import")},
    **{f"/v1/{call}": Route("segment", receive("segment", call)) for call in sorted(CALLS)},
    **{f"/v1/{call[0]}": Route("segment", receive("segment", call)) for call in sorted(CALLS)},
    "/v1/m": Route("segment", discard),
    "/v1/projects/{}/settings": Route("segment", settings, ("GET",)),
}
