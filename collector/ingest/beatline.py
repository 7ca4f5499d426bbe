"""Beatline's own routes: /events, /track, capture and batch (REQUIREMENTS I1 to I4)."""

from __future__ import annotations

from typing import Any

import msgspec

from beatline.events import Reason
from beatline.ingest.pipeline import Protocol
from beatline.ingest.wire import SimpleEvent, SimpleEventSchema, TrackedEvent, TrackedEventSchema
from collector.answers import Answer, json_answer
from collector.ingest.batch import split_batch
from collector.ingest.body import few_values, inflate
from collector.ingest.collect import Collector, shown
from collector.ingest.csv import CSV_TYPES, csv_batch
from collector.ingest.request import Refused, Request
from collector.ingest.routes import Handler, Route

JSON_TYPES = {
    "", "application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"
}  # fmt: skip

track = msgspec.json.Decoder(TrackedEvent).decode

EVENTS = Protocol("events", msgspec.json.Decoder(SimpleEvent).decode, SimpleEventSchema)
TRACK = Protocol("track", track, TrackedEventSchema)
CAPTURE = Protocol("capture", track, TrackedEventSchema)


class BatchBody(msgspec.Struct):
    """{"events": […]}, the events still as text; sent_at and the key are for all of them."""

    events: list[msgspec.Raw]
    sent_at: str | None = None
    write_key: str | None = None


batch_body = msgspec.json.Decoder(BatchBody)


def single(protocol: Protocol, success: int) -> Handler:
    """The handler of a route that takes one event; answered with its id after the commit."""

    def handle(collector: Collector, request: Request) -> Answer:
        event = collector.one(request, protocol, json_body(collector, request))
        return Answer(success, b'{"event_id":"%s"}' % str(event.event_id).encode())

    return handle


def batch(collector: Collector, request: Request) -> Answer:
    """Store the good events of a batch; the others are named in the answer and kept as rejected."""
    if request.media_type in CSV_TYPES:
        return csv_batch(collector, request)
    body = split(json_body(collector, request))
    collector.authenticate(request, body.write_key)

    def decode(raw: bytes | msgspec.Raw) -> TrackedEvent:
        event = track(raw)
        event.sent_at = event.sent_at or body.sent_at
        return event

    refused = collector.many(request, Protocol("batch", decode, TrackedEventSchema), body.events)
    accepted = len(body.events) - len(refused)
    return json_answer(200, {"accepted": accepted, "rejected": shown(refused)})


def json_body(collector: Collector, request: Request) -> bytes:
    """The request's body, unpacked. Raises Refused for a type that cannot hold JSON, and for a bad one."""
    if request.media_type not in JSON_TYPES:
        raise Refused(415, "unsupported_media_type", f"Send JSON, not {request.media_type}.")
    encoding = request.header("Content-Encoding")
    return few_values(inflate(request.body, encoding, collector.settings.max_body_bytes))


def split(body: bytes) -> BatchBody:
    """A batch body, with at least one event."""
    try:
        parts = split_batch(body, batch_body, "events")
    except msgspec.ValidationError as error:
        raise refused_batch(Reason.INVALID, {"events": [str(error)]}) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refused_batch(Reason.MALFORMED, {"body": [f"Not valid JSON: {error}"]}) from None
    if not parts.events:
        raise refused_batch(Reason.INVALID, {"events": ["No events."]})
    return parts


def refused_batch(code: str, errors: dict[str, Any]) -> Refused:
    """The answer to a batch that cannot be read as one."""
    return Refused(400, code, "The batch was refused.", errors)


ROUTES: dict[str, Route] = {
    "/events": Route("events", single(EVENTS, 202)),
    "/track": Route("track", single(TRACK, 202)),
    "/api/v1/analytics/capture": Route("capture", single(CAPTURE, 200)),
    "/api/v1/analytics/batch": Route("batch", batch),
}
