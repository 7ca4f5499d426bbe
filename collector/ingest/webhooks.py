"""Webhooks: any JSON from a source that signs it, mapped to events (REQUIREMENTS I6)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from beatline.errors import StorageError
from beatline.events import Reason
from beatline.ingest.mapping import map_delivery, mapping_of
from beatline.ingest.pipeline import Protocol
from beatline.ingest.wire import TrackedEvent
from beatline.projects import Project
from beatline.webhook_sources import Source
from collector.answers import Answer, json_answer
from collector.ingest.body import inflate
from collector.ingest.collect import Collector, Raw, shown
from collector.ingest.request import Refused, Request, malformed, parse_fields
from collector.ingest.routes import Route
from collector.ingest.signatures import CHECKS

NOT_SHOWN = {"authorization", "cookie"}
FORM = b"payload="  # GitHub's other content type

raw_list = msgspec.json.Decoder(list[msgspec.Raw])


def receive(collector: Collector, request: Request) -> Answer:
    """Store what a source sends; what its mapping makes no event of is named in the answer and kept."""
    source, project = source_of(collector, request)
    signed_at = CHECKS[source.kind](source, request)
    if source.paused:
        raise Refused(403, Reason.PAUSED, "The source is paused.")
    request.write_key = f"source {source.source}"
    collector.admit(request, project)
    raws = deliveries(collector, request, source)
    refused = collector.many(request, protocol_of(request, source, signed_at, raws), raws)
    return json_answer(200, {"accepted": len(raws) - len(refused), "rejected": shown(refused)})


def source_of(collector: Collector, request: Request) -> tuple[Source, Project]:
    """The source that the path names, and its project. Raises Refused: 404, 503."""
    name = request.path.rstrip("/").rpartition("/")[2]
    try:
        found = collector.projects.source(name)
    except StorageError:
        raise Refused(503, "unavailable", "Sources cannot be looked up now.", retry_after=5) from None
    if found is None:
        raise Refused(404, "not_found", "There is no such source.")
    return found


def deliveries(collector: Collector, request: Request, source: Source) -> list[Raw]:
    """The JSON of each event in a body: of one, or of several in a list. Raises Refused."""
    body = inflate(request.body, request.header("Content-Encoding"), collector.settings.max_body_bytes)
    if source.kind == "github" and body.startswith(FORM):
        body = parse_fields(body.decode(errors="replace"))["payload"].encode("utf-8", "surrogatepass")
    several = source.kind == "generic" and body.lstrip().startswith(b"[")
    try:
        content = msgspec.json.decode(body)
        raws: list[Raw] = [*raw_list.decode(body)] if several else [body]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(f"Not valid JSON: {error}") from None
    if not several and not isinstance(content, dict):
        raise Refused(400, Reason.INVALID, "The webhook was refused.", {"body": ["Not a JSON object."]})
    return raws


def protocol_of(request: Request, source: Source, signed_at: str, raws: list[Raw]) -> Protocol:
    """What makes events of one request's deliveries.

    One that names no id has that of its request, which is the same when it is sent once more and another when
    it is signed at another time.
    """
    mapping = mapping_of(source.kind, source.mapping)
    headers = headers_of(request)
    request_id = sha256(signed_at.encode() + b"." + request.body).hexdigest()
    numbers = {id(raw): number for number, raw in enumerate(raws)}

    def decode(raw: bytes | msgspec.Raw) -> TrackedEvent:
        delivery: dict[str, Any] = {"body": msgspec.json.decode(raw), "headers": headers}
        return map_delivery(mapping, source.source, delivery, f"{request_id}:{numbers[id(raw)]}")

    return Protocol("webhook", decode)


def headers_of(request: Request) -> dict[str, str]:
    """The headers by lower-case names, without what is secret."""
    named = {
        name[5:].lower().replace("_", "-"): str(value)
        for name, value in request.environ.items()
        if name.startswith("HTTP_")
    }
    return {name: value for name, value in named.items() if name not in NOT_SHOWN}


ROUTES: dict[str, Route] = {"/webhooks/in/{}": Route("webhook", receive)}
