"""The path of one event, as a list of steps. Read STEPS and you know what happens to an event.

A step takes the draft on and returns None, or refuses the event with a Rejection. Drafts are cheap, steps do
not know the protocol; what a protocol says differently (its wire format) is in its Protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import msgspec
from marshmallow import Schema

from beatline import catalogue
from beatline.events import Event, Reason, client_event_id, uuid7
from beatline.ingest.profiles import tell_profile
from beatline.ingest.wire import URL_BYTES, SimpleEvent, SimpleEventSchema, TrackedEvent, explain
from beatline.projects import Project

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
FUTURE_ALLOWED = timedelta(hours=23)  # as PostHog does (CONTRACTS, section 10, rule 6)
NO_SKEW = timedelta()
SKEW_NOTED = timedelta(seconds=1)  # less is the network's delay and not a wrong clock
MAX_NESTING = 100

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class Rejection(msgspec.Struct):
    """Why an event was refused; errors is {field: [message]}, possibly nested."""

    reason: Reason
    errors: dict[str, Any]


class Unfit(msgspec.ValidationError):
    """An item that is no event, for reasons that its protocol knows; errors is {field: [message]}."""

    def __init__(self, reason: Reason, errors: dict[str, Any]) -> None:
        super().__init__(str(errors))
        self.rejection = Rejection(reason, errors)


class Protocol(msgspec.Struct, frozen=True):
    """What one request speaks: its name in metrics, what makes a wire struct of an event's JSON text (raises
    msgspec.ValidationError), and the schema that explains errors where the text is that of the struct."""

    source: str
    decode: Callable[[bytes | msgspec.Raw], SimpleEvent | TrackedEvent]
    schema: type[Schema] | None = None


class Draft:
    """An event on its way through the steps."""

    __slots__ = (
        "event", "flagged", "max_bytes", "project", "properties", "protocol", "raw", "understood", "wire"
    )  # fmt: skip

    def __init__(
        self, raw: bytes | msgspec.Raw, protocol: Protocol, project: Project,
        received_at: datetime, max_bytes: int,
    ) -> None:  # fmt: skip
        self.raw = raw
        self.protocol = protocol
        self.project = project
        self.max_bytes = max_bytes
        self.properties: dict[str, Any] = {}
        self.wire: Any = None
        self.understood = False
        self.flagged = False
        self.event = Event(project.project_id, NO_ID, received_at, received_at, "")


Step = Callable[[Draft], Rejection | None]
NO_ID = uuid7()


def decode(draft: Draft) -> Rejection | None:
    """JSON text to the wire struct, typed and bounded."""
    try:
        draft.wire = draft.protocol.decode(draft.raw)
    except UNDECODABLE as error:
        return undecodable(draft, error)
    return None


def undecodable(draft: Draft, error: Exception) -> Rejection:
    """Tell a broken text from a wrong shape, and explain the latter field by field."""
    if isinstance(error, Unfit):
        return error.rejection
    try:
        data = msgspec.json.decode(draft.raw)
    except RecursionError:
        return Rejection(Reason.MALFORMED, {"event": ["Nested too deeply."]})
    except UNDECODABLE as broken:
        return Rejection(Reason.MALFORMED, {"event": [f"Not valid JSON: {broken}"]})
    schema = draft.protocol.schema
    return Rejection(Reason.INVALID, (schema and explain(schema, data)) or {"event": [str(error)]})


def canonical(draft: Draft) -> Rejection | None:
    """The wire struct to the canonical event."""
    if type(draft.wire) is SimpleEvent:
        return simple_event(draft, draft.wire)
    return tracked_event(draft, draft.wire)


def simple_event(draft: Draft, wire: SimpleEvent) -> Rejection | None:
    """POST /events: the payload must fit its type; the server makes id and time (REQUIREMENTS I1)."""
    try:
        catalogue.check_payload(wire.event_type, wire.payload)
    except msgspec.ValidationError as error:
        errors = explain(SimpleEventSchema, msgspec.to_builtins(wire))
        return Rejection(Reason.INVALID, errors or {"payload": [str(error)]})
    event = draft.event
    event.event_id = uuid7()
    event.event_type = wire.event_type
    event.user_id = wire.user_id
    event.page_url = wire.payload.get("url") if wire.event_type == "view" else None
    draft.properties = wire.payload
    return None


def tracked_event(draft: Draft, wire: TrackedEvent) -> Rejection | None:
    """/track, capture, batch (REQUIREMENTS I2 to I4). Empty texts mean absent (CONTRACTS, section 9)."""
    event = draft.event
    draft.properties = wire.properties or {}
    if wire.event_id:
        event.event_id = client_event_id(event.project_id, wire.event_id)
        event.client_id = True
    else:
        event.event_id = uuid7()
    event.event_type = wire.event_type
    event.user_id = wire.user_id or wire.distinct_id or None
    event.anonymous_id = wire.anonymous_id or None
    event.session_id = wire.session_id or None
    event.device_id = wire.device_id or None
    event.page_url = wire.page_url or page_url_property(draft.properties)
    event.app_version = wire.app_version or None
    event.os_name = wire.os_name or None
    event.os_version = wire.os_version or None
    return None


def page_url_property(properties: dict[str, Any]) -> str | None:
    """The page URL that a client put among the properties, when it is a text that fits."""
    value = properties.get("page_url") or properties.get("url")
    return value if isinstance(value, str) and url_fits(value) else None


def url_fits(url: str) -> bool:
    """Whether an index entry can hold the URL."""
    return len(url) * 4 <= URL_BYTES or len(url.encode()) <= URL_BYTES


def correct_clock(draft: Draft) -> Rejection | None:
    """Set ts from the client's timestamp, corrected by how far its clock is off when it says when it sent
    (CONTRACTS, section 10). Far ahead of us in spite of that means a wrong clock, so ts is when we received
    it. Where ts is not what the client said, the property $client_timestamp is."""
    given = getattr(draft.wire, "timestamp", None)
    if not given:
        return None
    try:
        said = parse_time(given)
        ts = said - skew(draft)
    except (ValueError, OverflowError):
        return Rejection(Reason.TIMESTAMP, {"timestamp": ["Not an ISO 8601 date and time."]})
    if not EARLIEST <= ts < LATEST:
        return Rejection(Reason.TIMESTAMP, {"timestamp": ["Not between the years 1970 and 2200."]})
    if ts > draft.event.received_at + FUTURE_ALLOWED:
        ts = draft.event.received_at
    if ts != said:
        draft.properties["$client_timestamp"] = given
    draft.event.ts = ts
    return None


def skew(draft: Draft) -> timedelta:
    """How far the client's clock is ahead of ours; zero when it does not say or the network explains it."""
    sent_at = draft.wire.sent_at
    if not sent_at:
        return NO_SKEW
    try:
        sent = parse_time(sent_at)
    except (ValueError, OverflowError):
        return NO_SKEW
    ahead = sent - draft.event.received_at
    return ahead if EARLIEST <= sent < LATEST and abs(ahead) >= SKEW_NOTED else NO_SKEW


def parse_time(text: str) -> datetime:
    """An ISO 8601 time, UTC unless it says otherwise. Raises ValueError or OverflowError."""
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def check_text(draft: Draft) -> Rejection | None:
    """Refuse what PostgreSQL cannot hold: NUL characters, URLs beyond the index's bound, deep nesting."""
    page_url = draft.event.page_url
    if page_url is not None and not url_fits(page_url):
        return Rejection(Reason.TOO_LARGE, {"page_url": [f"Longer than {URL_BYTES} bytes."]})
    raw = bytes(draft.raw)
    if b"\\u0000" in raw and holds_nul(msgspec.to_builtins(draft.wire)):
        return Rejection(Reason.CHARACTER, {"event": ["NUL characters cannot be stored."]})
    if raw.count(b"[") + raw.count(b"{") > MAX_NESTING and nesting(draft.properties) > MAX_NESTING:
        return Rejection(Reason.TOO_LARGE, {"properties": [f"Nested over {MAX_NESTING} levels."]})
    return None


def holds_nul(value: Any) -> bool:
    """Whether a text anywhere in the value, keys included, has a NUL character."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(holds_nul(key) or holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(holds_nul, value))


def nesting(value: Any) -> int:
    """How many lists and objects enclose the innermost value."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth


def encode_properties(draft: Draft) -> Rejection | None:
    """Properties to the JSON that is stored, within the size of one event."""
    try:
        encoded = msgspec.json.encode(draft.properties)
    except UNDECODABLE as error:
        return Rejection(Reason.MALFORMED, {"properties": [str(error)]})
    if len(encoded) > draft.max_bytes:
        message = f"Larger than {draft.max_bytes} bytes."
        return Rejection(Reason.TOO_LARGE, {"properties": [message]})
    draft.event.properties = msgspec.Raw(encoded)
    tell_profile(draft.event, draft.properties)
    draft.understood = True
    return None


def validate(draft: Draft) -> Rejection | None:
    """The event against the project's catalogue of event types, when it has to fit: refused or flagged."""
    rules = draft.project.catalogue
    if rules is None:
        return None
    errors = catalogue.errors_of(rules, draft.event, draft.properties)
    if not errors:
        return None
    if rules.enforce:
        return Rejection(Reason.SCHEMA, errors)
    catalogue.flag(draft.event, draft.properties, errors)
    draft.flagged = True
    return None


STEPS: tuple[Step, ...] = (decode, canonical, correct_clock, check_text, encode_properties, validate)
STEP_NAMES = tuple(step.__name__ for step in STEPS)


def run(draft: Draft, seconds: list[float]) -> Event | Rejection:
    """Take a draft through the steps; adds the time of each to seconds, in the order of STEPS."""
    started = perf_counter()
    for number, step in enumerate(STEPS):
        rejection = step(draft)
        ended = perf_counter()
        seconds[number] += ended - started
        started = ended
        if rejection is not None:
            return rejection
    return draft.event
