"""Segment's and RudderStack's calls as canonical events (CONTRACTS, sections 3, 5, 9 and 10)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from beatline.ingest.wire import TrackedEvent
from collector.ingest.request import Refused, Request
from collector.ingest.segment import Batch, check_shared, public_address, segment_of, translate

NOW = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
LATE = "2026-11-22T13:29:50.000Z"  # ten seconds before NOW
WRONG = "2026-11-22T12:00:00.000Z"  # a clock that is off
USER = {"userId": "u1"}
PHONE = {
    "app": {"name": "Shop", "version": "1.2.3"},
    "device": {"id": "dev_1"},
    "os": {"name": "iOS", "version": "18.1"},
    "page": {"url": "https://shop.example/a", "title": "A"},
    "locale": "de-DE",
}
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"


def translated(fields: dict[str, Any], call: str | None = None, batch: Batch | None = None) -> TrackedEvent:
    """The event that a call becomes, received at NOW."""
    return translate(json.dumps(fields).encode(), call, batch or Batch(), NOW)


def columns(event: TrackedEvent) -> dict[str, Any]:
    """What the event says, without what it leaves out."""
    return {name: value for name, value in msgspec.structs.asdict(event).items() if value is not None}


CALLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "track": (
        {
            "type": "track",
            "event": "Order",
            "userId": "u1",
            "anonymousId": "a1",
            "properties": {"total": 9.9},
        },
        {"event_type": "Order", "user_id": "u1", "anonymous_id": "a1", "properties": {"total": 9.9}},
    ),
    "track without properties": (
        {"type": "track", "event": "Order", "anonymousId": "a1", "userId": None, "properties": None},
        {"event_type": "Order", "anonymous_id": "a1", "properties": {}},
    ),
    "page": (
        {"type": "page", "name": "Pricing", "category": "Docs", **USER, "properties": {"url": "/p"}},
        {
            "event_type": "page_view",
            "user_id": "u1",
            "properties": {"name": "Pricing", "category": "Docs", "url": "/p"},
        },
    ),
    "page whose properties have the name": (
        {"type": "page", "name": "A", "category": None, **USER, "properties": {"name": "B"}},
        {"event_type": "page_view", "user_id": "u1", "properties": {"name": "B"}},
    ),
    "screen": (
        {"type": "screen", "name": "Settings", **USER},
        {"event_type": "screen_view", "user_id": "u1", "properties": {"name": "Settings"}},
    ),
    "identify": (
        {"type": "identify", **USER, "anonymousId": "a1", "traits": {"plan": "pro", "old": None}},
        {
            "event_type": "$identify",
            "user_id": "u1",
            "anonymous_id": "a1",
            "properties": {"plan": "pro", "old": None},
        },
    ),
    "identify of RudderStack": (
        {"type": "identify", **USER, "context": {"traits": {"plan": "pro"}, "locale": "de"}},
        {
            "event_type": "$identify",
            "user_id": "u1",
            "properties": {"plan": "pro", "$context": {"locale": "de"}},
        },
    ),
    "group": (
        {"type": "group", **USER, "groupId": 17, "traits": {"name": "Acme"}},
        {"event_type": "$group", "user_id": "u1", "properties": {"name": "Acme", "group_id": "17"}},
    ),
    "alias": (
        {"type": "alias", **USER, "previousId": "a0", "anonymousId": "a1"},
        {"event_type": "$alias", "user_id": "u1", "anonymous_id": "a0", "properties": {}},
    ),
    "ids": (
        {"type": "track", "event": "x", "userId": 42, "anonymousId": "", "messageId": "ajs-next-1-2"},
        {"event_type": "x", "user_id": "42", "event_id": "ajs-next-1-2", "properties": {}},
    ),
    "context": (
        {"type": "track", "event": "x", **USER, "context": PHONE},
        {
            "event_type": "x",
            "user_id": "u1",
            "device_id": "dev_1",
            "page_url": "https://shop.example/a",
            "app_version": "1.2.3",
            "os_name": "iOS",
            "os_version": "18.1",
            "properties": {"$context": {"app": {"name": "Shop"}, "page": {"title": "A"}, "locale": "de-DE"}},
        },
    ),
    "system by the browser": (
        {"type": "track", "event": "x", **USER, "context": {"userAgentData": {"platform": "Windows"}}},
        {
            "event_type": "x",
            "user_id": "u1",
            "os_name": "Windows",
            "properties": {"$context": {"userAgentData": {"platform": "Windows"}}},
        },
    ),
    "system by the User-Agent": (
        {"type": "track", "event": "x", **USER, "context": {"os": {"name": ""}, "userAgent": MAC}},
        {
            "event_type": "x",
            "user_id": "u1",
            "os_name": "Mac OS X",
            "properties": {"$context": {"userAgent": MAC}},
        },
    ),
    "RudderStack in a browser": (
        {
            "type": "track",
            "event": "x",
            "userId": "",
            "anonymousId": "a1",
            "context": {
                "sessionId": 1795371445700,
                "app": {"namespace": "com.rudderlabs.javascript", "version": "3.34.1"},
                "os": {"name": "", "version": ""},
            },
        },
        {
            "event_type": "x",
            "anonymous_id": "a1",
            "session_id": "1795371445700",
            "properties": {
                "$context": {"app": {"namespace": "com.rudderlabs.javascript", "version": "3.34.1"}}
            },
        },
    ),
    "destinations": (
        {"type": "track", "event": "x", **USER, "integrations": {"All": False}},
        {"event_type": "x", "user_id": "u1", "properties": {"$integrations": {"All": False}}},
    ),
    "every destination": (
        {"type": "track", "event": "x", **USER, "integrations": {"All": True}},
        {"event_type": "x", "user_id": "u1", "properties": {}},
    ),
    "too long for a column": (
        {"type": "track", "event": "x", **USER, "context": {"page": {"url": "/" + "x" * 3_000}}},
        {
            "event_type": "x",
            "user_id": "u1",
            "properties": {"$context": {"page": {"url": "/" + "x" * 3_000}}},
        },
    ),
    "empty objects of PHP": (
        {"type": "track", "event": "x", **USER, "properties": [], "context": [], "integrations": []},
        {"event_type": "x", "user_id": "u1", "properties": {}},
    ),
    "odd values where objects are usual": (
        {
            "type": "track",
            "event": "x",
            **USER,
            "context": {"app": "a", "os": [1], "library": 3, "device": None},
        },
        {
            "event_type": "x",
            "user_id": "u1",
            "properties": {"$context": {"app": "a", "os": [1], "library": 3, "device": None}},
        },
    ),
}


@pytest.mark.parametrize(("fields", "expected"), CALLS.values(), ids=CALLS)
def test_a_call_becomes_an_event(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert columns(translated(fields)) == expected


def test_the_route_says_what_the_call_is() -> None:
    assert translated({"type": "track", "event": "x", **USER}, "page").event_type == "page_view"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no type": ({"event": "x", **USER}, "type"),
    "unknown type": ({"type": "video", **USER}, "type"),
    "nobody": ({"type": "track", "event": "x", "userId": "", "anonymousId": None}, "userId"),
    "track without a name": ({"type": "track", **USER, "event": ""}, "event"),
    "group without an id": ({"type": "group", **USER}, "groupId"),
    "alias without the old id": ({"type": "alias", **USER}, "previousId"),
    "alias without the new id": ({"type": "alias", "previousId": "a", "anonymousId": "b"}, "userId"),
    "properties that are none": ({"type": "track", "event": "x", **USER, "properties": [1]}, "properties"),
    "a name too long": ({"type": "track", "event": "x" * 129, **USER}, "event_type"),
    "an id too long": ({"type": "track", "event": "x", "userId": "x" * 201}, "user_id"),
}


@pytest.mark.parametrize(("fields", "named"), REFUSED.values(), ids=REFUSED)
def test_a_call_that_lacks_something_is_refused_by_its_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        translated(fields)


BROWSER = {"library": {"name": "analytics.js"}}
SERVER = {"library": {"name": "analytics-python"}}
TIMES: dict[str, tuple[dict[str, Any], str | None, tuple[str | None, str | None]]] = {
    "none": ({}, None, (None, None)),
    "a browser": ({"timestamp": "t", "context": BROWSER}, LATE, ("t", LATE)),
    "the event's own time of sending": ({"timestamp": "t", "sentAt": WRONG}, LATE, ("t", WRONG)),
    "original": ({"timestamp": "t", "originalTimestamp": "o"}, None, ("o", None)),
    "a server whose clock is good": ({"timestamp": "t", "context": SERVER}, LATE, ("t", None)),
    "a server whose clock is off": ({"timestamp": "t", "context": SERVER}, WRONG, ("t", WRONG)),
    "RudderStack on a server": ({"timestamp": "t", "channel": "server"}, LATE, ("t", None)),
    "a server that sends nonsense": ({"timestamp": "t", "context": SERVER}, "soon", ("t", None)),
}


@pytest.mark.parametrize(("fields", "sent_at", "expected"), TIMES.values(), ids=TIMES)
def test_times_are_those_of_the_clock_rules(
    fields: dict[str, Any], sent_at: str | None, expected: tuple[str | None, str | None]
) -> None:
    event = translated({"type": "track", "event": "x", **USER} | fields, batch=Batch(sent_at=sent_at))
    assert (event.timestamp, event.sent_at) == expected


def test_what_a_batch_says_is_for_each_event_unless_it_says_so_itself() -> None:
    batch = Batch(context={"app": {"version": "1"}, "locale": "de"}, integrations={"All": False})
    fields = {"type": "track", "event": "x", **USER, "context": {"locale": "en"}, "integrations": {"A": True}}
    for _ in range(2):
        event = translated(fields, batch=batch)
        assert event.app_version == "1"
        assert event.properties == {"$context": {"locale": "en"}, "$integrations": {"All": False, "A": True}}


def test_a_batch_cannot_say_much_to_many_events() -> None:
    batch = Batch(context={"a": "x" * 1_000})
    check_shared(batch, 9, 10_000)
    with pytest.raises(Refused) as refused:
        check_shared(batch, 10, 10_000)
    assert refused.value.status == 413


def request(**environ: str) -> Request:
    """A request with so much of an environment."""
    return Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.url_scheme": "http", **environ})


FORWARDED = {
    "HTTP_HOST": "inner:8000",
    "HTTP_X_FORWARDED_HOST": "made.up, a.example",
    "HTTP_X_FORWARDED_PROTO": "https",
}


@pytest.mark.parametrize(
    ("environ", "trusted", "expected"),
    [
        ({"HTTP_HOST": "a.example:8000"}, 0, ("http", "a.example:8000")),
        ({"HTTP_HOST": "[::1]:8000", "wsgi.url_scheme": "https"}, 0, ("https", "[::1]:8000")),
        (FORWARDED, 0, ("http", "inner:8000")),
        (FORWARDED, 1, ("https", "a.example")),
        ({"HTTP_HOST": "a.example"}, 1, ("http", "a.example")),
    ],
)
def test_the_address_is_the_clients_view_of_us(
    environ: dict[str, str], trusted: int, expected: tuple[str, str]
) -> None:
    assert public_address(request(**environ), trusted) == expected


@pytest.mark.parametrize("host", ["", "a b", 'a"', "a/b", "a:b", "<script>", "a:999999"])
def test_a_host_that_is_none_is_not_repeated(host: str) -> None:
    with pytest.raises(Refused):
        public_address(request(HTTP_HOST=host), 0)


def test_a_segment_of_a_path_is_utf_8() -> None:
    assert segment_of("/v1/projects/ü/settings".encode().decode("latin-1"), 3) == "ü"
