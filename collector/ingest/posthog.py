"""PostHog's capture API, of every generation of its SDKs (CONTRACTS, section 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from beatline.ingest.pipeline import Protocol, Rejection
from beatline.ingest.wire import TrackedEvent
from collector.answers import Answer, json_answer
from collector.ingest import beatline
from collector.ingest.body import inflate
from collector.ingest.collect import Collector
from collector.ingest.envelope import Envelope, json_text, open_envelope
from collector.ingest.request import Request
from collector.ingest.routes import Handler, Route
from collector.ingest.translate import (
    Fields,
    first_text,
    invalid,
    object_at,
    object_or_empty,
    read_fields,
    take,
    text,
    time_of,
    tracked,
    unless_close,
    without_nulls,
)  # fmt: skip

SUCCESS = b'{"status":1}'

EVENT_TYPES = {
    "$pageview": "page_view",
    "$screen": "screen_view",
    "$create_alias": "$alias",
    "$groupidentify": "$group",
}  # others keep their name
COLUMNS = {
    "session_id": ("$session_id",),
    "device_id": ("$device_id",),
    "page_url": ("$current_url",),
    "app_version": ("$app_version", "app_version"),
    "os_name": ("$os", "$os_name"),
    "os_version": ("$os_version",),
}  # and the properties they are taken from, the first one that is there
SERVER_COLUMNS = {column: names for column, names in COLUMNS.items() if not column.startswith("os_")}
SERVER_LIBRARIES = {
    "posthog-python", "posthog-node", "posthog-edge", "posthog-ruby", "posthog-go", "posthog-php",
    "posthog-java", "posthog-server", "posthog-dotnet", "posthog-elixir", "posthog-rs",
}  # fmt: skip
KEYS_LOOKED_AT = 10  # events of an array in which a write key is looked for


class Batch(Envelope):
    """{"batch": […], "api_key", "sent_at"}, or one event with what stands beside it."""

    api_key: Any = None
    token: Any = None
    old_token: Any = msgspec.field(default=None, name="$token")
    sent_at: Any = None
    old_sent_at: Any = msgspec.field(default=None, name="sentAt")
    properties: Any = None


class Sender(msgspec.Struct):
    """What a request says of all of its events: when it was sent and arrived, by which SDK, and what its
    events are named when they have no name."""

    sent_at: str | None
    received_at: datetime
    library: str | None = None
    default_name: str | None = None


decoder = msgspec.json.Decoder(Batch)


def receive(default_name: str | None = None) -> Handler:
    """The handler of a capture route."""

    def handle(collector: Collector, request: Request) -> Answer:
        store(collector, request, default_name)
        return Answer(200, SUCCESS)

    return handle


def store(
    collector: Collector, request: Request, default_name: str | None = None
) -> tuple[Sequence[bytes | msgspec.Raw], dict[int, Rejection]]:
    """Store the events of a request; returns their texts and, by index, why some were rejected."""
    body = json_text(collector, request)
    batch = open_envelope(body, decoder)
    events = [msgspec.Raw(body)] if batch.batch is None else batch.batch
    collector.authenticate(request, key_of(batch) or key_of_events(events))
    sender = Sender(sent_at_of(batch, request), request.received_at, library_of(request), default_name)
    rejected = collector.many(request, Protocol("posthog", partial(translate, sender=sender)), events)
    return events, dict(rejected)


def key_of(batch: Batch) -> str | None:
    """The write key at the top level of a body, or in the properties of one event."""
    inside = object_or_empty(batch.properties)
    return first_text((batch.api_key, batch.token, batch.old_token, inside.get("token")))


def key_of_events(events: Sequence[msgspec.Raw]) -> str | None:
    """The write key of an array's events: browsers put it into each one's properties."""
    for event in events[:KEYS_LOOKED_AT]:
        try:
            key = key_of(decoder.decode(event))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if key:
            return key
    return None


def sent_at_of(batch: Batch, request: Request) -> str | None:
    """When the client sent the request, by its own clock (CONTRACTS, section 10).

    posthog-js 1.100 repeats `_` when it sends again: then what lies between is the retry's delay, as with
    servers' SDKs (rule 7).
    """
    said = first_text((batch.sent_at, batch.old_sent_at, request.header("PostHog-Request-Timestamp")))
    stamp = time_of(milliseconds(request.query.get("_")))
    if stamp and "retry_count" in request.query and not unless_close(stamp, request.received_at):
        stamp = request.received_at.isoformat()
    return said or stamp


def milliseconds(value: Any) -> float | None:
    """Milliseconds as seconds; None when it is no number."""
    try:
        return float(value) / 1000
    except (TypeError, ValueError, OverflowError):
        return None


def library_of(request: Request) -> str | None:
    """The SDK as capture v1 names it, in a header: posthog-python/7.91.1."""
    return (request.header("PostHog-Sdk-Info") or "").partition("/")[0] or None


def translate(raw: bytes | msgspec.Raw, sender: Sender) -> TrackedEvent:
    """One captured event as the canonical one. Raises msgspec.ValidationError without name or actor."""
    fields = read_fields(raw)
    properties = object_at(fields, "properties")
    name = text(fields.get("event")) or sender.default_name
    given_ids = fields.get("distinct_id"), properties.get("distinct_id"), fields.get("$distinct_id")
    distinct_id = first_text(given_ids)
    if name is None:
        raise invalid("event", "Missing data for required field.")
    if distinct_id is None:
        raise invalid("distinct_id", "Missing data for required field.")
    event_id = event_id_of(fields, properties, name, distinct_id)
    lift(fields, properties)
    library = text(properties.get("$lib")) or sender.library
    server = properties.get("$is_server") is True or library in SERVER_LIBRARIES
    timestamp, sent_at = times_of(fields, properties, sender, server=server)
    user_id, anonymous_id = actor_of(name, distinct_id, properties, library)
    columns = take_columns(properties, SERVER_COLUMNS if server else COLUMNS)
    return tracked(
        event_type=EVENT_TYPES.get(name, name),
        user_id=user_id,
        anonymous_id=anonymous_id,
        event_id=event_id,
        timestamp=timestamp,
        sent_at=sent_at,
        properties=properties_of(name, properties, user_id, anonymous_id),
        **columns,
    )


def event_id_of(fields: Fields, properties: Fields, name: str, distinct_id: str) -> str | None:
    """The client's id of an event, else a hash of what a retry repeats. None without any time of the
    client: then two alike may be two events."""
    given = text(fields.get("uuid")) or text(properties.get("$insert_id"))
    raw_time = first_text((fields.get("timestamp"), properties.get("$time")))
    if given or raw_time is None:
        return given
    traits = fields.get("$set"), fields.get("$set_once")
    content = msgspec.json.encode([distinct_id, name, raw_time, properties, *traits], order="sorted")
    return hashlib.sha256(content).hexdigest()


def lift(fields: Fields, properties: Fields) -> None:
    """Put what stands beside the properties into them, under the names that older SDKs use: traits, and the
    ids and options of capture v1."""
    for name in ("$set", "$set_once"):
        beside, inside = fields.get(name), properties.get(name)
        if isinstance(beside, dict):
            properties[name] = (inside | beside) if isinstance(inside, dict) else beside
    if "$set_once" in properties:
        properties["$set_once"] = without_nulls(object_or_empty(properties["$set_once"]))
    for name in ("session_id", "window_id"):
        if name in fields:
            properties.setdefault(f"${name}", fields[name])
    for name, value in object_or_empty(fields.get("options")).items():
        properties.setdefault("$ignore_sent_at" if name == "disable_skew_correction" else f"${name}", value)


def times_of(
    fields: Fields, properties: Fields, sender: Sender, *, server: bool
) -> tuple[str | None, str | None]:
    """When it happened and when it was sent, both by the client's clock; the latter is None when the former
    is not to be corrected (CONTRACTS, section 10, rules 1 to 5 and 7)."""
    clock = time_of(properties["$time"]) if "$time" in properties else None
    happened = text(fields.get("timestamp")) or clock
    offset = milliseconds(fields.get("offset"))
    if properties.get("$ignore_sent_at") is True:
        return happened, None
    if offset is not None:
        if clock and sender.sent_at:
            return clock, sender.sent_at
        return before(sender.received_at, offset) or happened, None
    return happened, unless_close(sender.sent_at, sender.received_at) if server else sender.sent_at


def before(received_at: datetime, seconds: float) -> str | None:
    """So many seconds before we received it; None when that is no time."""
    try:
        return (received_at.astimezone(UTC) - timedelta(seconds=seconds)).isoformat()
    except (OverflowError, ValueError):
        return None


def actor_of(
    name: str, distinct_id: str, properties: Fields, library: str | None
) -> tuple[str | None, str | None]:
    """user_id and anonymous_id (CONTRACTS, sections 6 and 9)."""
    device_id = text(properties.get("$device_id"))
    if name == "$identify":
        return distinct_id, text(properties.get("$anon_distinct_id")) or device_id
    if name == "$create_alias":
        return alias_of(distinct_id, text(properties.get("alias")), library)
    if name == "$groupidentify" and distinct_id == made_up_id(properties):
        return None, None
    if user_id := text(properties.get("$user_id")):
        return user_id, device_id
    if properties.get("$process_person_profile") is False or is_visitor(properties, library):
        return None, device_id or distinct_id
    return distinct_id, device_id


def made_up_id(properties: Fields) -> str:
    """The distinct_id that SDKs make up for a group when nobody is named (CONTRACTS, section 6.2)."""
    return f"${properties.get('$group_type')}_{properties.get('$group_key')}"


def is_visitor(properties: Fields, library: str | None) -> bool:
    """Whether a browser or app sent the event and does not know who its user is."""
    identified = properties.get("$is_identified")
    if isinstance(identified, bool):
        return not identified
    return library == "web" or (library is None and "$device_id" in properties)


def alias_of(distinct_id: str, alias: str | None, library: str | None) -> tuple[str, str | None]:
    """The user and the id they had before. Python has the old one in distinct_id and the new one in alias;
    the others do the reverse (CONTRACTS, section 6.1)."""
    if library == "posthog-python" and alias:
        return alias, distinct_id
    return distinct_id, alias


def take_columns(properties: Fields, columns: dict[str, tuple[str, ...]]) -> dict[str, str | None]:
    """The event's columns, each taken out of the properties."""
    taken = {}
    for column, names in columns.items():
        present = next((name for name in names if text(properties.get(name))), None)
        taken[column] = take(properties, present, column) if present else None
    return taken


def properties_of(name: str, properties: Fields, user_id: str | None, anonymous_id: str | None) -> Fields:
    """The properties as they are stored: without what became a column, and with the traits where the kernel
    looks for them."""
    for key in ("distinct_id", "token"):
        properties.pop(key, None)
    ids = ["$user_id", "$anon_distinct_id"] + ["alias"] * (name == "$create_alias")
    for key in ids:
        if text(properties.get(key)) in (user_id, anonymous_id):
            properties.pop(key, None)
    if name == "$identify":
        properties["$set"] = object_or_empty(properties.get("$set"))
    if name == "$groupidentify":
        properties["group_type"] = text(properties.pop("$group_type", None))
        properties["group_id"] = text(properties.pop("$group_key", None))
    return without_nulls(properties)


def capture_v1(collector: Collector, request: Request) -> Answer:
    """Capture v1: what became of each event, by its uuid (CONTRACTS, section 6.4)."""
    events, rejected = store(collector, request)
    results = {}
    for index, event in enumerate(events):
        if uuid := uuid_of(event):
            results[uuid] = result_of(rejected.get(index))
    return json_answer(200, {"results": results})


def uuid_of(event: bytes | msgspec.Raw) -> str | None:
    """The client's id of an event, when it can be read."""
    try:
        return text(read_fields(event).get("uuid"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def result_of(rejection: Rejection | None) -> dict[str, str]:
    """The result of one event."""
    if rejection is None:
        return {"result": "ok"}
    errors = msgspec.json.encode(rejection.errors).decode()
    return {"result": "drop", "details": f"{rejection.reason}: {errors}"}


def track(collector: Collector, request: Request) -> Answer:
    """/track is Beatline's own route, and the capture route of PostHog's oldest SDKs."""
    if is_legacy(collector, request):
        return receive()(collector, request)
    return beatline.ROUTES["/track"].handle(collector, request)


def is_legacy(collector: Collector, request: Request) -> bool:
    """Whether the request is PostHog's: a form, a query, or JSON with an `event` and a PostHog key."""
    if b'"event_type"' in request.body:
        return False
    if request.body.startswith(b"data=") or (not request.body and "data" in request.query):
        return True
    body = inflate(request.body, request.header("Content-Encoding"), collector.settings.max_body_bytes)
    return b'"event_type"' not in body and b'"event"' in body and (b'"api_key"' in body or b'"token"' in body)


def discard(collector: Collector, request: Request) -> Answer:
    """What an add-on sends and we do not keep: recordings, logs, metrics."""
    return Answer(200, SUCCESS)


route = partial(Route, "posthog", busy=503, detail=True, credentials=True)
METHODS = ("POST", "GET")
CAPTURE = ("/batch", "/e", "/i/v0/e", "/capture", "/i/v0/ai/batch")
DISCARDED = ("/s", "/i/v1/logs", "/i/v1/metrics")
ROUTES: dict[str, Route] = {
    **{path: route(receive(), METHODS) for path in CAPTURE},
    **{path: route(discard) for path in DISCARDED},
    "/engage": route(receive("$identify"), METHODS),
    "/i/v1/analytics/events": route(capture_v1),
    "/track": Route("track", track),
}
